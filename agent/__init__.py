"""The counsellor as an application: settings, engines, calls, commands."""
