"""Train / validation split by dialogue, so that no dialogue is on both sides."""

import hashlib

from recommender.data.redial import Dialogue


def split_dialogues(dialogues: list[Dialogue], share: float, seed: int) -> tuple[list[Dialogue], list[Dialogue]]:
    """Hold out `round(share * N)` dialogues -> (kept, held out), both in their original order.

    The choice depends on the conversation ids and the seed alone: the order of the file does not matter.
    """

    def draw(dialogue: Dialogue) -> tuple[str, str]:
        digest = hashlib.sha256(f"{seed}:{dialogue.dialogue_id}".encode()).hexdigest()
        return digest, dialogue.dialogue_id

    held_out = {d.dialogue_id for d in sorted(dialogues, key=draw)[: round(share * len(dialogues))]}
    kept = [dialogue for dialogue in dialogues if dialogue.dialogue_id not in held_out]
    return kept, [dialogue for dialogue in dialogues if dialogue.dialogue_id in held_out]
