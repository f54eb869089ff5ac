"""The local web page to look at copies and decide about them."""
