fastphash audit $SPLITS -o out
fastphash audit $SPLITS -o out --json --fail-on-leak --radius 4
fastphash audit $SPLITS -o out --explain --memory 300M --radius 12 --min-score 0.8
fastphash audit $SPLITS -o out --grouping components --radius 8 --fail-on-leak=near,collision
fastphash audit $SPLITS -o out --no-verify --workers 1
fastphash report out --groups 3 -o three.html
fastphash clean out
fastphash clean out --json --kinds near --explain
fastphash clean out --apply
fastphash calibrate out/hashes -o curves.svg
fastphash calibrate out/hashes --json --max-pairs 500
