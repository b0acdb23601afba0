"""Offline work: from chats and dialogues to the model that answers the call."""
