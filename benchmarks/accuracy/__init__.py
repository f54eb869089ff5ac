"""How many copies fastphash finds, and how many of its pairs are wrong."""
