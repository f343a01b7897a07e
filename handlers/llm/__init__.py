"""The last stage of recognition: a language model proposes, rules decide."""
