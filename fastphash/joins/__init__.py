"""All pairs of hashes within a Hamming radius, exact and complete."""
