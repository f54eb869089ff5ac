"""Images of sources to rows of a store, by worker processes."""
