"""One test for each fault that has a number, as CONTRIBUTING.md lists them."""
