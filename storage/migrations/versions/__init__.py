"""One file a step, four digits a revision; a step that was released is never changed again."""
