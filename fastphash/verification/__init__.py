"""Are the two images of a pair copies? Thumbnails, colours and bytes decide."""
