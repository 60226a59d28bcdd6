"""A seeded simulator of dialogues over the catalogue, so that tests and a first start need no download.

Each seeker has a taste (one or two genres, perhaps a decade, perhaps a genre to avoid) and each taste has a small pool
of movies. The wish is worded after the taste and the recommender draws from its pool, so what the seeker writes says
which movies follow. Every line was written for this file; none comes from ReDial.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Dialogue, Message, Role
from recommender.data.engagement import Engagement
from recommender.data.sample.tastes import MIN_POOL, Taste, between, chance, choose, draw, tastes_and_popular

MAX_LIKED = 3
MIN_RECOMMENDED, MAX_RECOMMENDED = 3, 5

SEEKER: Role = "seeker"
RECOMMENDER: Role = "recommender"

GENRE_WORDS = {
    "action": ("action", "action-packed", "explosive"),
    "animation": ("animated", "animation", "cartoon"),
    "comedy": ("funny", "comedy", "hilarious", "laugh-out-loud"),
    "crime": ("crime", "gangster", "heist"),
    "drama": ("drama", "dramatic", "serious"),
    "family": ("family", "kid-friendly"),
    "fantasy": ("fantasy", "magical"),
    "horror": ("horror", "scary", "creepy"),
    "mystery": ("mystery", "whodunit"),
    "romance": ("romantic", "romance", "love story"),
    "sci-fi": ("sci-fi", "science fiction", "futuristic"),
    "thriller": ("thriller", "suspenseful", "tense"),
}
DECADE_WORDS = {1980: ("80s", "1980s", "eighties"), 1990: ("90s", "1990s", "nineties")}
ANY_WORDS = ("popular", "well-known", "crowd-pleasing")  # of a taste without genres

# {kind} is a wording of the taste, {dislike} a genre, {movies} one or more mentions.
GREETINGS = ("Hi there!", "Hello!", "Hey, how are you today?", "Good evening.", "Hi, nice to meet you.")
INVITATIONS = (
    "What kind of movies are you looking for?",
    "Tell me what you like to watch.",
    "What are you in the mood for tonight?",
    "Which sort of film may I find for you?",
)
WISHES = (
    "I am in the mood for some {kind} movies.",
    "Can you suggest a good {kind} movie?",
    "I would love to see something from the {kind} corner tonight.",
    "My friends and I want to watch {kind} films this weekend.",
    "I usually go for {kind} movies.",
    "Looking for a {kind} film I may have missed.",
    "Do you know any {kind} movies worth my evening?",
)
DISLIKES = ("No {dislike} please.", "But not another {dislike} movie.", "I am tired of {dislike} films, though.")
FAVOURITES = (
    "I loved {movies}.",
    "Something like {movies} would be perfect.",
    "I have watched {movies} more than once.",
    "My favourites are along the lines of {movies}.",
)
QUESTIONS = ("Which ones did you enjoy before?", "Is there a film you liked lately?", "Can you name a favourite?")
SUGGESTIONS = (
    "Have you seen {movies}?",
    "Then I would suggest {movies}.",
    "You should try {movies}, it fits what you describe.",
    "How about {movies}?",
    "Many people with your taste enjoy {movies}.",
    "{movies} comes to mind first.",
)
REMINDERS = ("And do keep {movies} on your list.", "As I said, {movies} is hard to beat.")
SEEN = (
    "I have seen {movies}, loved it!",
    "Yes, {movies} was great. What else is there?",
    "I watched {movies} last year and liked it a lot.",
    "Oh yes, {movies} is one of my favourites.",
)
REFUSALS = ("I did not enjoy {movies}, sorry.", "I started {movies} once and gave up halfway.")
CURIOUS = ("I have not seen that. What is it about?", "Never heard of it. Is it any good?", "Who would enjoy that one?")
ANSWERS = (
    "It is one of the best {kind} movies I know.",
    "If you like {kind} films you will be happy with it.",
    "The story is strong and the cast is excellent.",
)
ACCEPTED = ("That sounds great.", "Nice, I will give it a try.", "I wanted to see that one anyway.", "Good idea!")
THANKS = ("Thank you, that gives me plenty to watch. Bye!", "Thanks for your help!", "Great, I am all set. Thank you!")
FAREWELLS = ("You are welcome, enjoy!", "Have a lovely evening!", "My pleasure. Goodbye!")


@dataclass(slots=True)
class _Conversation:
    """The dialogue being written."""

    rng: random.Random
    messages: list[Message] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    engagement: dict[int, Engagement] = field(default_factory=dict)

    def line(self, lines: Sequence[str], movies: Sequence[Movie] = (), **words: str) -> str:
        """One of the lines, filled in."""
        self.names.update((movie.movie_id, movie.name) for movie in movies)
        return choose(self.rng, lines).format(movies=_mention(movies), **words)

    def say(self, role: Role, *sentences: str) -> None:
        self.messages.append(Message(role, " ".join(sentences)))


def sample_dialogues(
    catalog: Catalog, seed: int = 0, train: int = 400, test: int = 100
) -> tuple[list[Dialogue], list[Dialogue]]:
    """Simulated training and test dialogues, the same on every machine for the same catalogue and seed.

    Raises what `tastes_and_popular` raises.
    """
    tastes, popular = tastes_and_popular(catalog)
    rng = random.Random(seed)
    dialogues = [_dialogue(rng, number, choose(rng, tastes), popular) for number in range(1, train + test + 1)]
    return dialogues[:train], dialogues[train:]


def _dialogue(rng: random.Random, number: int, taste: Taste, popular: Sequence[Movie]) -> Dialogue:
    dislike = _dislike(rng, taste) if chance(rng, 0.3) else None
    pool = [movie for movie in taste.pool if dislike not in movie.genres]
    liked = draw(rng, pool, popular, between(rng, 0, MAX_LIKED), used=[])
    recommended = draw(rng, pool, popular, between(rng, MIN_RECOMMENDED, MAX_RECOMMENDED), used=liked)

    conversation = _Conversation(rng)
    _open(conversation)
    _wish(conversation, taste, dislike, liked)
    _recommend(conversation, taste, recommended)
    conversation.say(SEEKER, conversation.line(THANKS))
    conversation.say(RECOMMENDER, conversation.line(FAREWELLS))
    engagement = {movie.movie_id: Engagement(liked=1, seen=1, suggested=0) for movie in liked}
    return Dialogue(
        f"sample-{number:04}", tuple(conversation.messages), conversation.names, engagement | conversation.engagement
    )


def _dislike(rng: random.Random, taste: Taste) -> str | None:
    """A genre to avoid: one that some of the pool has, and that leaves enough of it."""
    genres = sorted({genre for movie in taste.pool for genre in movie.genres} - set(taste.genres))
    spared = {genre: sum(genre not in movie.genres for movie in taste.pool) for genre in genres}
    choices = [genre for genre in genres if spared[genre] >= MIN_POOL]
    return choose(rng, choices) if choices else None


def _open(conversation: _Conversation) -> None:
    """Greetings; the recommender writes first in about six dialogues of ten."""
    if chance(conversation.rng, 0.6):
        conversation.say(RECOMMENDER, conversation.line(GREETINGS), conversation.line(INVITATIONS))
        return
    conversation.say(SEEKER, conversation.line(GREETINGS))
    if chance(conversation.rng, 0.5):
        conversation.say(RECOMMENDER, conversation.line(GREETINGS), conversation.line(INVITATIONS))


def _wish(conversation: _Conversation, taste: Taste, dislike: str | None, liked: Sequence[Movie]) -> None:
    """The wish; the liked movies stand in it, or come when the recommender asks for them."""
    wish = [conversation.line(WISHES, kind=_kind(conversation.rng, taste))]
    if dislike is not None:
        wish.append(conversation.line(DISLIKES, dislike=dislike))
    favourites = [conversation.line(FAVOURITES, liked)] if liked else []
    if favourites and chance(conversation.rng, 0.4):
        conversation.say(SEEKER, *wish)
        conversation.say(RECOMMENDER, conversation.line(QUESTIONS))
        conversation.say(SEEKER, *favourites)
    else:
        conversation.say(SEEKER, *wish, *favourites)


def _recommend(conversation: _Conversation, taste: Taste, movies: Sequence[Movie]) -> None:
    """Turns of one or two movies, each followed by the seeker's reaction."""
    rng, start = conversation.rng, 0
    while start < len(movies):
        turn = movies[start : start + (2 if chance(rng, 0.2) else 1)]
        sentences = [conversation.line(SUGGESTIONS, turn)]
        if start > 0 and chance(rng, 0.1):
            sentences.append(conversation.line(REMINDERS, [choose(rng, movies[:start])]))
        conversation.say(RECOMMENDER, *sentences)
        for movie in turn[:-1]:
            conversation.engagement[movie.movie_id] = Engagement(suggested=1)
        conversation.engagement[turn[-1].movie_id] = _react(conversation, taste, turn[-1])
        start += len(turn)


def _react(conversation: _Conversation, taste: Taste, movie: Movie) -> Engagement:
    """Seen it, did not like it, asks about it first, or takes it."""
    reaction = conversation.rng.random()
    if reaction < 0.3:
        conversation.say(SEEKER, conversation.line(SEEN, [movie]))
        return Engagement(liked=1, seen=1, suggested=1)
    if reaction < 0.4:
        conversation.say(SEEKER, conversation.line(REFUSALS, [movie]))
        return Engagement(liked=0, seen=1, suggested=1)
    if reaction < 0.65:
        conversation.say(SEEKER, conversation.line(CURIOUS))
        conversation.say(RECOMMENDER, conversation.line(ANSWERS, kind=_kind(conversation.rng, taste)))
    conversation.say(SEEKER, conversation.line(ACCEPTED))
    return Engagement(seen=0, suggested=1)


def _kind(rng: random.Random, taste: Taste) -> str:
    """A wording of the taste: `"eighties funny"`, `"romantic comedy"`."""
    words = [choose(rng, GENRE_WORDS[genre]) for genre in taste.genres] or [choose(rng, ANY_WORDS)]
    if taste.decade is not None:
        words.insert(0, choose(rng, DECADE_WORDS[taste.decade]))
    return " ".join(words)


def _mention(movies: Sequence[Movie]) -> str:
    """`"@1"`, `"@1 and @2"`, `"@1, @2 and @3"`."""
    mentions = [f"@{movie.movie_id}" for movie in movies]
    return " and ".join(filter(None, [", ".join(mentions[:-1]), *mentions[-1:]]))
