"""How right an audit is, with and without a table of true pairs."""
