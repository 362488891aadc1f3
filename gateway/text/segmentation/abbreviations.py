"""Abbreviations whose full stop does not end a sentence, and words that often open one, for the most used languages.

One table serves all languages, because answers mix them and their language is only a guess. A word that is an
abbreviation in one language and an everyday word in another (Hungarian "ill.") is therefore not listed. An entry also
stands for its capitalised form and is written without its last full stop. A sentence divided in two is heard as a
mistake, two sentences in one utterance are not: in doubtful cases the tables prefer not to divide. Most entries come
from CLDR's suppressions and the style guides named in ``tests/gateway/text/segmentation/sentences``.
"""


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


NEVER_LAST = _words(
    # en
    "mr mrs Ms dr prof rev mt viz cf approx e.g i.e messrs mses Gen Col Capt Lt Sgt Gov Sen Rep Pres Cmdr Maj Hon",
    "Ft Ph a.k.a f.k.a d.b.a w.r.t n.b N.B viz ibid Adm Pvt Cpl Supt Msgr Brig Cmdt Atty",
    # de
    "hr fr hrn z z.b d.h u.a z.t u.u o.ä s.o s.u i.d.r i.d h.c bzw evtl ggf inkl exkl zzgl vgl dipl ing sog geb",
    "d.i Fa",
    # fr, es, pt, it, ro
    "mme mlle MM mgr c.-à-d p.ex env bd pr sra srta dra dña p.ej ej avda exma exmo eng V.Exa EE dott sig sig.ra",
    "dott.ssa prof.ssa avv geom p.es dna d-na d-l dvs",
    # nl
    "dhr mevr mw drs bijv bv d.w.z o.a m.b.t i.v.m t.a.v i.p.v nl m.a.w z.s.m",
    # pl, cs, sk
    "np tzn m.in ul św im tj tzw inż zob mgr ks t.j napr např sv MUDr JUDr PhDr RNDr viz",
    # sv, da, nb, fi
    "t.ex d.v.s bl.a s.k f.d f.eks jf mht ift pga hhv esim ts vrt",
    # hu, tr, hr
    "pl ifj özv ld vö sn doç bkz örn Cad Sok npr",
    # id, vi
    "bpk sdr sdri yth a.n jl kab kec Tn Ny ir drg TP Tp TS ThS GS PGS BS ĐT KS",
    # ru, uk, bg, sr
    "т.е т.к т.нар ул проф акад им ім см вул бул гр див вж напр тов гос буд просп доц инж г-н г-жа д-р",
    # el
    "π.χ δηλ βλ κα κος δρ καθ αγ άγ οδ λεωφ",
    # hi, mr, ne, bn
    "डॉ डा श्री श्रीमती प्रो प्रा पं सौ स्व मो इ.स ई.स वि.सं ड ডা মো মোঃ ড",
    # ta, te, kn, ml, gu, pa
    "டாக்டர் திரு திருமதி கி.பி கி.மு பேரா డా శ్రీ క్రీ.శ క్రీ.పూ ప్రొ ಡಾ ಶ್ರೀ ಕ್ರಿ.ಶ ഡോ ശ്രീ ക്രി.വ ડૉ શ્રી પ્રો ਡਾ",
    "ਸ੍ਰੀ",
    # ar, fa, ka, lo
    "أ.د ق.م პროფ ე.ი მაგ ა.შ ბ-ნი ქ-ნი აკად ດຣ ຄ.ສ ພ.ສ",
)
"""Never the last word of a sentence."""

PAIRS_NEVER_LAST = frozenset({"ad es", "de ex", "par ex", "por ej", "dr. med"})
"""The same for pairs whose second word alone is an everyday word."""

BEFORE_NUMBER = _words(
    "no nos nr nro núm núms n nº n° kl d t art fig figs vol ch chap sec p pp pg pág págs pag § tel ext Jan Feb Mar",
    "Apr Jun Jul Aug Sep Sept Oct Nov Dec ca ab abs abb tab bd s kap cap blz hfst afb godz str rys č obr r o sz kb br",
    "čl sl hlm gbr tgl rp bab tr st lib séc рис гл т стр ст р кв д фиг чл бр п табл тел бл σελ αρ κεφ εικ τηλ ص ج रु",
    "eq eqs ref refs op min max avg est par c b क्र नं पृ ரூ రూ ರೂ രൂ રૂ",
)
"""Not the last word of a sentence if a number follows: "No. 5", but "No. That is wrong."."""

NUMBERED_PARTS = _words(
    "Abs Abb Anh Anm Art Artt Bd Bl Buchst Fn Fußn Hs Kap Nr Nrn Rdn Rdnr Rn S Sp Tab Tz UAbs Unterabs Ziff Ziffn lit",
    "Lit no nos nr núm pp vol art ch sec para al fasc",
)
"""The same, also after a number: "§ 5 Abs. 2". Only in the case listed here."""

COMPOUND_UNITS = _words("ft lb lbs st hrs")
"""Units that a smaller one may follow: "5 ft. 10 in."."""

TITLE_LETTERS = frozenset("gpгмсκქ")
"""Letters that mean Mr, city, village or page before a name, but gram, metre or year after a number."""

MAY_BE_LAST = _words(
    "inc ltd corp jr sr vs ex doc dl ud uds al обл MwSt str r р a.C d.C av apr î.Hr d.Hr н.э π.Χ μ.Χ UU M.Ö M.S J.-C",
    "Ph.D M.Sc B.Sc Co Bros St Ave Blvd Rd Dept Univ Est Ed Mon Tue Tues Wed Thu Thur Thurs",
    "Fri Sat Sun Mo Di Mi Do Fr Sa So Mio Mrd Tsd mln mld",
)
"""End a sentence only if the next word is in ``OPENERS``."""

OFTEN_LAST = _words(
    "u.v.m u.s.w u.ä e.d e.v m.m m.v o.s.v o.l y.m j.n.e i.t.d i.t.p i.sl s.í.t ș.a ş.a v.b v.s v.d a.s.o a.s.a.p o.k",
    "т.д т.п т.ін т.н и.т.д и.т.п κ.ά κ.τ.λ κ.ο.κ",
)
"""Dotted abbreviations for "and so on", which often end a sentence; others of this form rarely do."""

LABELS = _words(
    "vitamin plan type option hepatitis grade class group section part point level exhibit appendix case variant",
    "answer chapter version step figure table question item vitamina vitamine vitamín witamina plano piano opción",
    "opção typ typus gruppe klasse anhang teil kapitel abschnitt groupe classe annexe grupo clase anexo gruppo grupp",
    "ryhmä csoport grup план витамин группа тип",
)
"""A letter after one of these words is a label, not an initial: "vitamin C. Then"."""

ORDINAL_DETERMINERS = _words(
    "am der die das dem den des vom zum zur im beim ab bis seit jede jeder jedes ein eine einen",
)
"""German words after which a number with a full stop is an ordinal: "der 3. Mann"."""

ORDINAL_NOUNS = _words(
    "januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert",
    "jahrhunderts jahrtausend weltkrieg weltkriegs stock klasse mal platz tag kapitel auflage geburtstag dünya yüzyıl",
    "yüzyılda bölüm lig kat sınıf maddesi",
)
"""Nouns after an ordinal in languages that write ordinals with a full stop: German, Turkish."""

SPELLED_LETTERS = _words(
    "ए बी सी डी ई एफ एच आई जे एल एम एन ओ पी क्यू आर एस टी यू वी डब्ल्यू एक्स वाई जेड पु वि श ल ग এ বি সি ডি ই এফ জি",
    "এইচ আই জে কে এল এম এন ও পি আর এস টি ইউ ভি ஏ பி சி டி ஈ எஃப் ஜி எச் ஐ ஜே கே எல் எம் என் ஓ ஆர் எஸ் யூ வி மு கா ఎ",
    "బి సి డి ఇ ఎఫ్ జి ఎచ్ ఐ జె కె ఎల్ ఎమ్ ఎం ఎన్ ఓ పి ఆర్ ఎస్ టి యు వి اے بی سی ڈی ایف ایچ ایل ایم این پی کیو آر ایس",
    "ٹی یو وی",
)
"""Initials of names in scripts that spell out English letters or write consonant and vowel as one sign."""

EXCLAIMED_NAMES = _words("yahoo jeopardy joomla kahoot")
"""Names that end with an exclamation mark."""

HALVES_OF_THE_DAY = frozenset({"a.m", "p.m", "A.M", "P.M"})

TIME_QUALIFIERS = _words(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "EST EDT CST CDT MST MDT PST PDT ET CT MT PT GMT UTC CET CEST BST IST JST Eastern Central Mountain Pacific",
)
"""Follow "a.m." and "p.m." within a sentence."""

OPENERS = _words(
    # en
    "the this that these those there then they he she it we you his her its their our your my i and but or so yet if",
    "when while after before because although though however in on at by for from with without as to who what why",
    "where how which is are was were do does did can could should would people everyone nobody some many most all no",
    "not now here today also still let please thanks meanwhile finally first next once since until such another each",
    "every",
    # de
    "ich du er sie es wir ihr das dies diese dieser dieses dann danach da dort hier heute jetzt aber und oder doch",
    "denn wenn weil als ob obwohl während nachdem bevor deshalb daher trotzdem außerdem auch so nun man kein keine",
    "nicht mein sein wie was wer wo wann warum am im in mit nach auf für bei seit ein eine einer",
    # fr
    "je tu il elle on nous vous ils elles ce cet cette ces c'est ça ceci cela puis alors ensuite mais et donc ou car",
    "si quand lorsque comme pour dans avec sans sur sous chez après avant un une les des mon ton son notre votre leur",
    # es, pt, it, ro
    "yo tú él ella nosotros ellos ellas usted esto eso este esta pero entonces luego después también cuando porque",
    "aunque los las una en con por para ahora antes eu ele eles elas nós você isto isso mas então depois também",
    "quando embora os as um uma em no na com agora io lui lei noi voi loro questo questa quello ma poi allora dopo",
    "anche perché gli nel nella adesso ora apoi atunci dar și el ea ei acum după când pentru la în",
    # nl, sv, da, nb, fi
    "ik jij hij zij ze wij het dit dat deze die een maar toen dan daarna ook als wanneer omdat nu jag hon vi ni det",
    "detta men och sedan då också när eftersom jeg hun han de dette og så derefter også når fordi nå hän minä sinä se",
    "me he tämä mutta ja sitten kun koska nyt",
    # pl, cs, sk, hr, hu, tr
    "on ona ono oni one my wy ja ty to ten ta te ale i potem wtedy także gdy kiedy ponieważ teraz jednak też já tento",
    "tato toto pak potom také když protože teď však ovaj ova ovo zatim onda također kad jer sada aztán akkor de és ő",
    "ők ez az azt ezt most ezután ha mert bu şu o biz siz onlar ve ama fakat sonra ayrıca çünkü şimdi ben sen",
    # id, vi
    "dia mereka kami kita ini itu dan tetapi kemudian lalu juga ketika karena sekarang saya nó họ chúng tôi cô anh",
    "sau và nhưng khi vì bây",
    # ru, uk, bg, el
    "он она оно они мы вы я ты это этот эта эти но а и затем потом тогда также когда потому сейчас если в на с по для",
    "у він вона воно вони ми ви це цей ця ці але й потім тоді також коли тому зараз якщо той тя то те ние това този",
    "тази после тогава също когато сега αυτός αυτή αυτό αυτά ο η το οι τα εγώ εσύ εμείς αλλά και μετά τότε επίσης",
    "όταν γιατί τώρα",
)
"""Words, in lower case, that often open a sentence and rarely follow an abbreviation inside one."""
