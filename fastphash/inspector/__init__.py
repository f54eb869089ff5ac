"""The local web page where people look at copies and decide about them."""
