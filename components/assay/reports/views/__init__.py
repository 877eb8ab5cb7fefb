"""Views: from what an artifact holds to the blocks of its page."""
