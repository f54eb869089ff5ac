"""Image bytes to pixels, thumbnails and previews: the only user of image libraries."""
