"""Labels of copies: class folders and COCO files."""
