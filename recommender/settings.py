"""Where things live on this machine and what it may use; every field can be set by RECOMMENDER_<NAME>."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from recommender.errors import RecommenderError

ROOT = Path(__file__).resolve().parent.parent
CHECKOUT = (ROOT / "streamlit_app.py").is_file()  # else it is installed as a package, whose folder is not written to
HOME = ROOT if CHECKOUT else Path.home() / ".reelwish"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RECOMMENDER_", extra="ignore")

    data_dir: Path | None = Field(None, description="folder with ReDial and, if at hand, MovieLens")
    checkpoints_dir: Path = Field(HOME / "checkpoints", description="one folder a run")
    presets_dir: Path = Field(HOME / "presets", description="the user's own presets, beside those that ship")
    assets_dir: Path = Field(ROOT / "recommender" / "assets", description="catalogue facts, movie text vectors")
    cache_dir: Path = Field(HOME / ".cache", description="downloaded data and text vectors; safe to delete")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    max_wish_chars: int = Field(2000, ge=1, description="a longer wish is cut here, and the user is told")
    database_url: str = Field(f"sqlite:///{HOME / 'feedback.sqlite'}", description="where thumbs and seen movies go")
    studies_url: str = Field(
        f"sqlite:///{HOME / 'studies.sqlite'}", description="where the trials of studies are kept; may be shared"
    )
    read_only: bool = Field(False, description="a public demo: nobody can start, stop or delete, nothing is stored")
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="names, with commas, that the app answers to beside localhost; * is any, see docs/serving.md"
    )

    @field_validator("hosts", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip().lower().rstrip(".") for name in value.split(",") if name.strip())
        return value


@cache
def settings() -> Settings:
    """The settings of this process, read once from the environment. Raises `RecommenderError` for a bad value."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(step) for step in first["loc"]).upper()
        raise RecommenderError(f"RECOMMENDER_{name}={first['input']!r}: {first['msg']}.") from error
