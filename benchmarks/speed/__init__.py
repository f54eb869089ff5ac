"""How fast fastphash is, and in how much memory."""
