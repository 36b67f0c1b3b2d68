"""The pages, in the order of reading: `phone` (the start page), `reports`; `board` asks the store, `show` words it.

`guard` says who may look, `language` in which words. No page holds a rule of reporting, and none speaks SQL.
"""
