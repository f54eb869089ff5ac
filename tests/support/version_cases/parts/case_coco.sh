fastphash audit $SPLITS --coco $LABELS -o out && fastphash clean out && fastphash clean out --apply
