"""The whole job, and the search for the stored images nearest to a few images."""
