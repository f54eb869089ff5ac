cp -a $PICTURES/. .
fastphash audit train=train val=val -o out --radius 8 --coco train=train.json --coco val=val.json
