"""`script/bench`: what is measured beside what, one module a benchmark."""
