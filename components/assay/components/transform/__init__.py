"""Transform: the graph exported for serving turns the rows that training sees."""
