"""The share of copies among near pairs, estimated from their scores."""
