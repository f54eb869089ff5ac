fastphash demo && rm -r fastphash-demo/audit
fastphash demo
# the store tells the times of the images, which are new
fastphash demo -o other --workers 1 && rm -r other/audit && touch -d @1600000000 other/*/*
fastphash audit train=other/train val=other/val -o other/audit --radius 4 --keep-in train
fastphash calibrate other/audit/hashes
COLUMNS=0 fastphash info other/audit/hashes
COLUMNS=20 fastphash info other/audit/hashes
FORCE_COLOR=1 COLUMNS=200 fastphash info other/audit/hashes
