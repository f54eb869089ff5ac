include planned

program api progress audit train=train val=val -o new --coco val=val.json --workers 1
program api progress report new
program api progress hash a=test -o tested --workers 1
program api progress join new/hashes@train new/hashes@val -o p.parquet --radius 8
program api progress group new/hashes -o g.parquet --radius 8
program api progress query $PICTURES/test/*/* --in new/hashes
program api progress clean new --kinds near
program api progress clean new tree --apply --to copy
program api progress clean new aside --apply --to move
program api progress clean new --undo
program api progress evaluate new truth.csv
program api progress calibrate new/hashes
program api progress demo --workers 1 && rm -r fastphash-demo/audit
