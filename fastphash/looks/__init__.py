"""The second look: decoded pictures of a pair, compared pixel by pixel."""
