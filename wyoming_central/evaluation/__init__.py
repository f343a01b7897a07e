"""What is understood of sentences that say what has to come of them: reading, judging, summing up."""
