fastphash audit $SPLITS -o out --fail-on-leak
fastphash clean out
fastphash clean out --apply --json
