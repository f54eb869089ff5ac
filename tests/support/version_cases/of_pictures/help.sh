fastphash
fastphash --help
fastphash -h
fastphash --version
COLUMNS=50 fastphash audit --help
COLUMNS=200 fastphash audit --help
program api options
fastphash audit --help
fastphash report --help
fastphash clean --help
fastphash hash --help
fastphash join --help
fastphash group --help
fastphash query --help
fastphash inspect --help
fastphash evaluate --help
fastphash calibrate --help
fastphash convert --help
fastphash info --help
fastphash demo --help
