"""All pairs of hashes within a Hamming radius, exact and complete.

From rows down to the bits:

=================  ================================================================
`api`              `join` and `self_join`: arrays in, pairs of rows out
`batches`          all matches of rows, in batches that fit into memory
`row_pairs`        pairs of distinct rows expanded to matches of rows
`upright`          pairs of distinct rows where a row has one hash
`oriented`         pairs of distinct rows where a row has hashes of several orientations
`search`           Hamming search: pairs of values within a radius, by a plan
`proposals`        of values of several words: what a search of one word proposes, checked
`word_search`      of values of one word, by a search plan
`block_search`     its tasks where values are partitioned by blocks of bits
`pieces`           cuts a join into pieces that workers search alone, from a plan to values
`piece_sizes`      how large pieces are together
`piece_search`     the search of a piece
`brute_force`      its tasks where every pair is compared
`leaves`           pairs inside the segments that partitions leave
=================  ================================================================

What they work with:

=================  ================================================================
`index`            the hashes to join
`distinct`         equal rows as one distinct row
`values`           equal hashes as one value, sorted
`repeats`          which values and rows of large arrays may come several times
`row_lists`        pairs of distinct values or rows expanded to pairs of rows
`matches`          pairs of rows, with distances and orientations
`distances`        exact distances of pairs of rows over all orientations
`options`          what a join may use, and its reports
`search_plan`      what a plan says
`planner`          the choice of a plan
`costs`            the time that a plan takes
`bit_statistics`   how the bits of hashes agree, from a sample
`bit_order`        the order of bits that suits a plan
`blocks`           the blocks of a plan: where they are, and how to choose them
`segments`         values cut into segments
`partitions`       radix partition, with all threads
=================  ================================================================

`given` reads the hashes of arrays, tables and stores.
`low_quality` tells which images are not compared, for the quality of their hashes.
`chance` estimates how many rows are near one another by chance, and the radius that allows.
`radii` has the usual radius of each algorithm.
`views` finds pairs of which one shows a window of the other.
"""
