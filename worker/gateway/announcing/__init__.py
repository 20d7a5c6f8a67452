"""What the worker posts by itself: today's plans in the channels that are chosen for it, and alarms for admins."""
