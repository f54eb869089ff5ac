"""What all packages share: vocabulary, orientations, threads, processes, progress and text."""
