"""The words for the catalogue's genres."""

import re

GENRES = (
    "action", "adventure", "animation", "biography", "comedy", "crime", "documentary", "drama", "family", "fantasy",
    "film-noir", "game-show", "history", "horror", "music", "musical", "mystery", "news", "reality-tv", "romance",
    "sci-fi", "short", "sport", "talk-show", "thriller", "war", "western",
)  # fmt: skip
# Of two genres in one word the first says more: who wants no rom-coms may still want comedies.
GENRE_WORDS: dict[str, tuple[str, ...]] = {genre: (genre,) for genre in GENRES} | {
    word: tuple(genres.split())
    for word, genres in {
        "actions": "action", "adventures": "adventure", "adventurous": "adventure", "animated": "animation",
        "animations": "animation", "animate": "animation", "cartoon": "animation", "cartoons": "animation",
        "biographies": "biography", "biopic": "biography", "biopics": "biography", "comedies": "comedy",
        "comedys": "comedy", "comedic": "comedy", "funny": "comedy", "funnier": "comedy", "laugh": "comedy",
        "sci fis": "sci-fi", "documentaries": "documentary", "dramas": "drama", "children's": "family",
        "childrens": "family",
        "kid's": "family", "kids": "family", "fantasies": "fantasy", "noir": "film-noir", "historical": "history",
        "horrors": "horror", "scary": "horror", "scarier": "horror", "spooky": "horror", "musicals": "musical",
        "mysteries": "mystery", "romances": "romance", "romantic": "romance", "love stories": "romance",
        "love story": "romance", "rom com": "romance comedy", "rom coms": "romance comedy",
        "rom-com": "romance comedy", "rom-coms": "romance comedy", "romcom": "romance comedy",
        "romcoms": "romance comedy", "sci fi": "sci-fi", "scifi": "sci-fi", "science fiction": "sci-fi",
        "shorts": "short", "sports": "sport", "thrillers": "thriller", "thrilling": "thriller",
        "suspense": "thriller", "suspenseful": "thriller", "westerns": "western",
    }.items()
}  # fmt: skip
# They are also other words ("I have no family"), so that only "family movies" can be refused.
EVERYDAY_GENRES = frozenset({"family", "history", "music", "news", "short", "sport"})
GENRE_PATTERN = rf"\b(?:{'|'.join(re.escape(word) for word in sorted(GENRE_WORDS, key=len, reverse=True))})\b"
