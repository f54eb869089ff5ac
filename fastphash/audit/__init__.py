"""The whole job, and the stored images nearest to some."""
