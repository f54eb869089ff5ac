"""What every other package stands on: words, orientations, threads, processes, progress, text."""
