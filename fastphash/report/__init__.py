"""Pages of HTML that show what was found."""
