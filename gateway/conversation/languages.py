"""Names and codes of languages, as recognisers report them and people write them."""

# ISO 639-1 code (639-3 where a language has none) and English name: Whisper's languages, and those espeak-ng adds.
_NAMES = {
    "af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "as": "Assamese", "az": "Azerbaijani", "ba": "Bashkir",
    "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali", "bo": "Tibetan", "br": "Breton", "bs": "Bosnian",
    "ca": "Catalan", "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish",
    "fo": "Faroese", "fr": "French", "ga": "Irish", "gd": "Scottish Gaelic", "gl": "Galician", "gu": "Gujarati",
    "ha": "Hausa", "haw": "Hawaiian", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "ht": "Haitian Creole",
    "hu": "Hungarian", "hy": "Armenian", "ia": "Interlingua", "id": "Indonesian", "is": "Icelandic", "it": "Italian",
    "ja": "Japanese", "jv": "Javanese", "ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada",
    "ko": "Korean", "ku": "Kurdish", "ky": "Kyrgyz", "la": "Latin", "lb": "Luxembourgish", "ln": "Lingala",
    "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mg": "Malagasy", "mi": "Maori", "mk": "Macedonian",
    "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "ms": "Malay", "mt": "Maltese", "my": "Burmese",
    "ne": "Nepali", "nl": "Dutch", "nn": "Norwegian Nynorsk", "no": "Norwegian", "oc": "Occitan", "or": "Odia",
    "pa": "Punjabi", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sa": "Sanskrit", "sd": "Sindhi", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "sn": "Shona",
    "so": "Somali", "sq": "Albanian", "sr": "Serbian", "su": "Sundanese", "sv": "Swedish", "sw": "Swahili",
    "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai", "tk": "Turkmen", "tl": "Tagalog", "tr": "Turkish",
    "tt": "Tatar", "ug": "Uyghur", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese",
    "xh": "Xhosa", "yi": "Yiddish", "yo": "Yoruba", "yue": "Cantonese", "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip

# Other words for the same: Whisper's names, codes that ISO withdrew, three-letter codes and common names.
_ALIASES = {
    "iw": "he", "in": "id", "ji": "yi", "jw": "jv", "nb": "no", "fil": "tl", "cmn": "zh",
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt",
    "nld": "nl", "dut": "nl", "rus": "ru", "ukr": "uk", "pol": "pl", "jpn": "ja", "kor": "ko", "zho": "zh",
    "chi": "zh", "ara": "ar", "hin": "hi", "tha": "th", "tam": "ta", "tur": "tr", "vie": "vi", "heb": "he",
    "mandarin": "zh", "castilian": "es", "valencian": "ca", "flemish": "nl", "haitian": "ht", "farsi": "fa",
    "letzeburgesch": "lb", "moldavian": "ro", "moldovan": "ro", "myanmar": "my", "panjabi": "pa", "pushto": "ps",
    "sinhalese": "si", "nynorsk": "nn", "bokmal": "no", "gaelic": "gd", "filipino": "tl", "oriya": "or",
}  # fmt: skip

_CODES = {name.lower(): code for code, name in _NAMES.items()} | {code: code for code in _NAMES} | _ALIASES


def code_of(name_or_code: str) -> str | None:
    """The ISO 639-1 code of "pt", "pt-BR", "pt_BR", "por" or "Portuguese", None for what is no known language."""
    name = name_or_code.strip().lower()
    return _CODES.get(name) or _CODES.get(name.replace("_", "-").partition("-")[0])


def english_name(code: str) -> str | None:
    """The English name of what ``code_of`` understands: "Portuguese" for "pt-BR"."""
    known = code_of(code)
    return _NAMES[known] if known else None
