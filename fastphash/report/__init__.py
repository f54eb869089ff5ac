"""Pages of HTML and curves that show what was found."""
