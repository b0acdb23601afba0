"""From cleaned conversations to a training set.

identity   who the model is now, in three locales
behaviour  how a personality type answers
general    everyday questions, against forgetting
labels     emotions and traits: carried, used or stripped
spoken     user turns as a recogniser hands them over
blend      all of these in proportion
split      training, validation and test sets that share nothing
rendering  the formats of other trainers
"""
