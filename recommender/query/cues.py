"""The phrases that say what someone thinks of the movies and genres around them, as one pattern to scan a text with.

The phrases were collected from what seekers write in ReDial's training dialogues. A title is a run of `TITLE` in the
text, every apostrophe is a straight one. No phrase has a part that may repeat without end: a text of nothing but its
beginnings would take time by the square of its length.
"""

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

TITLE = "\ue000"  # stands for every character of a title; people cannot type it, `clean_wish` takes it out

NOT = r"(?:n'?t|\s+not)"
DO_NOT = rf"(?:(?:do|does|did|would|could|should|wo|ca|can){NOT}|cannot|never|not\s+to|rather\s+not)"
BE = r"(?:is|are|was|were)"
ADVERBS = (
    r"(?:\s+(?:really|actually|particularly|usually|generally|typically|normally|even|always|ever|all|much|think|"
    r"i|i'd|we|we'd|would|just|tend\s+to|personally|honestly|necessarily|exactly|yet|also|too|that|quite|get\s+to|"
    r"care\s+to|feel\s+like|very|so)){0,8}"
)
GOOD = (
    r"(?:great|good|fun|funny|hilarious|awesome|amazing|excellent|fantastic|wonderful|perfect|cool|nice|interesting|"
    r"entertaining|cute|well|brilliant|favou?rites?|beautiful|best|classic|enjoyable|incredible|decent|fabulous)"
)
BAD = (
    r"(?:bad|terrible|awful|horrible|boring|bored|stupid|dumb|lame|garbage|trash|crap|worst|disappointing|over\s?rated|"
    r"depressing|too\s+(?!good|funny|cute)\w+)"
)
IT = r"(?:it|them|that|those|these|this|both|either|any\s+of\s+(?:them|those|these))"
OBJECT = (
    rf"(?:\s+{IT}(?:\s+(?:one|ones|movie|movies|film))?(?!\s+(?:type|kind|sort|genre|when))\b|(?=\s*(?:$|[.,!?;)])))"
)
SUBJECT = rf"(?:(?<={TITLE})|\b(?:it|they|both|which|those|these|movie|film|one)\b|(?:^|(?<=[.,;!?]\s)|\band\s+)that\b)"
SEEN = r"(?:seen|watched|saw)"
I_HAVE_SEEN = (
    rf"(?:\b(?:i|we)(?:'?ve|'?d|\s+have|\s+had|\s+ve)?|\b(?:he|she|they)(?:'s|'ve|ve|\s+has|\s+have)|\balready|\bjust|"
    rf"\brecently|(?:^|(?<=[.!?,;]\s))(?=(?:seen|watched)\b))"
    rf"(?:\s+(?:already|just|also|actually|recently|only|both|all|even|think|i|i've|have|definitely|probably|really)){{0,8}}"
    rf"\s*\b{SEEN}\b"
)
OTHER_MOVIES = (
    r"(?:\s+(?:to\s+)?(?:see|watch))?(?:\s+(?:something|anything|everything|another|stuff|movies|films))?"
    r"(?:\s+(?:like|similar\s+to|with|by|from|starring)\b)?"
)
INTO = (
    r"(?:into|fans?\s+of|interested\s+in|in\s+the\s+mood\s+for|in\s+a\s+mood\s+for|looking\s+for|big\s+on|keen\s+on|"
    r"crazy\s+about|fond\s+of|feeling|in\s+to)\b"
)

# Tried in this order at every place of the text; the first that fits decides what kind of event it is.
EVENTS: dict[str, str] = {
    # what was said before gets a verdict
    # "It was great", "Loved it!", "not bad"
    "praised": rf"""
          {SUBJECT}\s*(?:'?s|{BE})?(?:{NOT})\s+(?:\w+\s+){{0,2}}?(?:bad|terrible|awful|boring)\b
        | \bnot\s+(?:\w+\s+){{0,2}}?bad\b
        | {SUBJECT}\s*(?:'?s|{BE}|(?:sound|look)(?:s|ed)?)\s+(?:(?!n[o']?t\b|no\b)\w+\s+){{0,3}}?{GOOD}\b
        | (?<!t\s)(?<!to\s)(?<!not\s)\b(?:lov|lik|enjoy|ador)(?:e|ed)?{OBJECT}
        | (?:^|(?<=[.,!?;]\s))(?:(?:such\s+)?a\s+|very\s+|really\s+)?{GOOD}(?:\s+(?:one|movie|film))?(?=\s*[.,!?]|$)""",
    # "X is not my thing", "X sucked"
    "not_mine": rf"""
          (?:(?<={TITLE})\s*|{SUBJECT}\s*)?(?:'s|'re|{BE})\s*{NOT}\s+(?:\w+\s+){{0,2}}?(?:(?:my|our|his|her|their)\s+(?:\w+\s+)?(?:things?|favou?rites?|
            cup\s+of\s+tea|type|style|genre|tastes?|jam|kind)|for\s+(?:me|us)|to\s+(?:my|our)\s+(?:liking|tastes?)|what\s+(?:i|we)\s+(?:like|want|need))\b
        | \bsuck(?:s|ed)?\b
        | \bnot\s+so\s+much(?=\s*(?:$|[.,!?;]))""",
    # "It was boring", "I did not like it"
    "panned": rf"""
          {SUBJECT}\s*(?:'?s|{BE})\s*{NOT}\s+(?:\w+\s+){{0,2}}?{GOOD}\b
        | {SUBJECT}\s*(?:'?s|{BE})\s+(?:(?!n[o']?t\b)\w+\s+){{0,2}}?{BAD}\b
        | \b(?!did{NOT}\s+think){DO_NOT}{ADVERBS}\s+(?:like|love|enjoy|care\s+(?:much\s+)?for){OBJECT}
        | \bdid(?:{NOT}\s+(?:really\s+)?do\s+(?:it|much|anything)|\s+nothing)\s+for\s+(?:me|us)\b
        | \b(?:hate[ds]?|dislike[ds]?){OBJECT}""",
    # "I have seen it", "Seen them already"
    "seen_before": rf"{I_HAVE_SEEN}(?=(?:\s+{IT}\b|\s*(?:$|[.,!?;)])|\s+(?:already|before|and|but|too)\b))",
    # what is said next
    # "I like", "not only", "I can't get enough of", "something"
    "liked": rf"""
          \b(?:not|n't)\s+(?:only|just|simply|merely)\b
        | \b(?:ca|can|could){NOT}\s+(?:get\s+enough(?:\s+of)?|wait|beat|go\s+wrong|stop)\b
        | \b(?:not|never|\w+n'?t)\s+(?:\w+\s+){{0,2}}?(?:tired|sick|bored)\s+(?:of|with)\b
        | \b{DO_NOT}{ADVERBS}\s+(?:mind|hate|dislike)\b
        | \bexcept\s+(?:funn|scarier|more|with)
        | \bnothing\s+(?:but|beats|better\s+than|against|wrong\s+with)\b
        | \b(?:i|we|also|really|and|he|she|they|kids|but|do)\s+(?:like|love|enjoy|prefer|want)\b
        | \b(?:loved|liked|enjoyed|adored|loves|likes|enjoys|favou?rites?|big\s+fan\s+of|huge\s+fan\s+of)\b
        | \b(?:something|anything)\b(?!\s+(?:but|besides)\b)
        | \b(?:looking\s+for|in\s+the\s+mood\s+for|(?:what|how)\s+about)\b""",
    # "I have seen", "we just watched"
    "seen": I_HAVE_SEEN,
    # Denied, and no refusal: "I have never seen", "not sure", "No, "
    "open": rf"""
          \b(?:(?:have|has|had){NOT}|never|not)(?:\s+(?:really|actually|even|yet|ever|all)){{0,8}}\s+(?:{SEEN}|see|heard|tried)\b
        | \bdid{NOT}(?:\s+(?:really|actually|even|yet|ever|get\s+to)){{0,8}}\s+(?:see|seen|watch|hear|catch|mean)\b
        | \b(?:do|does|did){NOT}\s+(?:necessarily\s+)?(?:need|have)\s+to\b
        | \bif\s+you(?:'?re|\s+are|\s+do)?\s*{NOT}\b
        | \bno(?:t|ne)?(?=\s*(?:$|[.,!?;:)]))
        | \bnot\s+(?:necessarily|sure|all|every|exactly|yet|even|to\s+mention|that\s+i|specific|picky|really\s+sure)\b
        | \bno\s+(?:problem|worries|doubt|matter|idea|clue|thanks?|thank\s+you|need|way|one|longer|pun|wonder)\b
        | \b(?:have|has|had|'ve)\s+no\b""",
    # "not a fan of", "not in the mood for"
    "not_into": rf"""
          \bnot\s+so\s+much\b
        | \bless\s+like\b
        | (?:\bnot|\w+n'?t|\bno|\bnever)\s+(?:(?:a|an|the|really|very|too|much|of|big|huge|biggest|super|that|so|all|
            usually|typically|particularly|currently|been|be|was)\s+){{0,8}}{INTO}{OTHER_MOVIES}""",
    # "less", "not too", "nothing so"
    "degree": rf"""
          \b(?:less|fewer)\b
        | \b(?:not|nothing|no|without|{BE}n'?t)\s+(?:really\s+|be\s+)?(?:too|so|very|overly|super|as|quite|extremely|
            that(?!\s+(?:a\b|an\b|the\b|one\b|like\b|{TITLE})))\b""",
    # "no thanks", after a question
    "declined": r"""
          (?<=\?)\s*(?:no|nope|nah|pass|never)\b(?:,?\s*(?:thanks?|thank\s+you|way|please))?(?=\s*(?:$|[.,!;:)]))""",
    # "but not"
    "but_not": r"\bbut,?\s+not\b(?!\s+(?:necessarily|only|just|too|so|very|all|every|exactly)\b)(?:\s+like\b)?",
    # "except for", "apart from"
    "exception": rf"""
          \b(?:except(?:ing)?(?:\s+for)?|excluding|other\s+than|apart\s+from|aside\s+from|
            with\s+the\s+exception\s+of)\b{OTHER_MOVIES}""",
    # "non-horror"
    "non": rf"\bnon[\s-]+{GENRE_PATTERN}",
    # "no", "without", "I don't like", "anything but", "tired of"
    "refused": rf"""
          \b(?:if|as\s+long\s+as|so\s+long\s+as|make\s+sure)\s+(?:it|they)(?:'s|\s+is|\s+are)?\s*{NOT}
        | (?<=\w\s)\b(?:that|which|who)(?:'s|\s*{BE}|\s+(?:do|does))?\s*{NOT}(?:\s+(?:involve|include|have|contain|
            feature|deal\s+with|focus\s+on|about|part\s+of)\b)?
        | \b(?:{DO_NOT}){ADVERBS}\s+(?:like|love|enjoy|want|watch|care\s+(?:\w+\s+)?for|recommend|suggest|show|do|dig|
            stand|handle|take|be\s+into|fancy|give\s+me)\b{OTHER_MOVIES}
        | \b(?:anything|everything|something|all|any\s+\w+)\s+(?:but(?!\s+(?:i|we)\b)|besides)\b{OTHER_MOVIES}
        | \b(?:hate[ds]?|hating|dislike[ds]?|despised?|detest(?:ed)?|loathed?)\b(?!\s+to\b){OTHER_MOVIES}
        | \b(?:tired|sick|bored|fed\s+up)\s+(?:of|with)\b{OTHER_MOVIES}
        | \b(?:instead\s+of|rather\s+than|unlike|
            avoid|skip|exclude|stay\s+away\s+from|leave\s+out)\b{OTHER_MOVIES}
        | \b(?:without(?:\s+any)?|neither|nor|none\s+of|nothing|w/o|kein\w*|ohne|sans|senza|sin)\b{OTHER_MOVIES}
        | \bno\s+more\b{OTHER_MOVIES}
        | \bnot?\b(?!\s+of\b){OTHER_MOVIES}""",
    # Denied of something else: "it isn't", "that was not", "didn't"
    "statement": rf"""
          (?:(?<={TITLE})|\b(?:it|this|these|they|he|she)|(?:^|(?<=[.,;!?]\s))that)(?:'?s|\s*{BE})(?:\s*{NOT}|\s+no)\b(?!\s+(?:\w+\s+){{0,3}}?{INTO})
        | \w+n't\b | \b(?:do|did|does|is|are|was|were|would|have|has)nt\b
        | \b(?:do|does|did|have|has|had)\s+not\b(?!\s+been\b)""",
    # what the above are about, and where they end
    "title": rf"{TITLE}+",
    "genre": GENRE_PATTERN,
    "but": r"\b(?:but|though|although|however)\b",
    "end": r"[.!?;:()\n]|\s[-–—]\s",
    "comma": r",",
    "link": r"/|&|\+|\b(?:and|or|nor)\b",
    "too": r"\btoo\b",
    "much": r"\b(?:very|so|as|overly|super|extremely)\b",
    "stop": r"""\b(?:i|i'm|im|i'd|we|you|it|its|it's|he|she|they|my|our|because|since|while|please|something|anything|
        just|only|if|when|until|with|for|that|maybe|more|would|is|was|are|were|to\s+be|thanks)\b""",
    "word": r"[\w'-]+",
}
SCAN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in EVENTS.items()), re.IGNORECASE | re.VERBOSE)
# What has to stand at a comma for a refusal to go on behind it: another title, or the rest of a list of genres. In "no
# horror, comedy please" the comma ends the refusal.
_ITEM = rf"(?:(?:any|the|a|an)\s+)?{GENRE_PATTERN}(?:\s+(?:movies?|films?))?"
TITLES_GO_ON = re.compile(rf",\s*(?:(?:and|or|nor|no|not|any|also|the|a|an|even)\s+){{0,8}}{TITLE}", re.IGNORECASE)
GENRES_GO_ON = re.compile(
    rf"(?:,\s*{_ITEM}\s*){{0,30}},?\s*(?P<link>or|nor|and)\s+{_ITEM}|(?:,\s*{_ITEM}\s*){{2,30}}", re.IGNORECASE
)
