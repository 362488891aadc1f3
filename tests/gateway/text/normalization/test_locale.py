"""Every language file has what the rules need, in the right number of plural forms."""

from pathlib import Path

import pytest

from gateway.text.normalization import locale

FORMS = {"two": [2], "french": [2], "romanian": [3], "russian": [3, 4], "polish": [4], "czech": [4], "arabic": [4]}


@pytest.mark.parametrize(
    "file", sorted(Path(locale.__file__).parent.glob("locales/*.toml")), ids=lambda file: file.stem
)
def test_every_language_file_is_understood(file: Path) -> None:
    known = locale.locale_of(file.stem)
    assert all((known.code, known.point, known.address["."]))
    for forms in (known.units | known.money | known.cents).values():
        assert "{}" in forms or len(forms.split("|")) in {1, *FORMS[known.plural]}
