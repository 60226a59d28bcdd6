"""Frequencies of everyday words in talk about movies, so that "it" or "saw" is seldom taken for a title.

Counted in the words of ReDial's training dialogues 2,001 to 6,000 (Li et al. 2018, CC BY 4.0) outside of the movie
mentions, after `text.words_of`. Words seen fewer than 5 times are left out, and so are those that the dialogues
name as a movie more often than they use as a word. `python -m benchmarks.titles --everyday` prints the table anew.
"""

UNSEEN = 2.0  # occurrences in a million words of a word that is not in the table

# occurrences in a million words, to the nearest power of two: the words
_TABLE = """
65536: i
32768: a it you
16384: 1 and for good have is like movie movies of seen that the to was
8192: about also are but great hello hi in looking or out really thanks too what yes
4096: all am any as bye can check day do havent help how ill im its ive kind liked love me my no not oh see so some
  suggestions thank there think those watch well will with would your
2048: action an another be both comedy did dont enjoy favorite film films funny goodbye heard hey hope horror if just
  know lol loved maybe more much never new nice night ok okay on other pretty recommend saw something sounds sure
  thats them they this today try very watched yeah yet
1024: 2 actually anything at awesome been classic comedies cool could definitely didnt either enjoyed family fan
  favorites fi find first from fun give go has he interested interesting into last look lot might now old older ones
  recommendations scary sci should similar suggest suggestion then these though thought time type up want watching we
  welcome were who youre
512: add again agree always amazing animated based before best better big bit book by cant care chatting course cute
  doing drama else even evening ever few genre get glad going got had haha her here hilarious him his hmm id ideas
  kids let list little looks many may most need newer original people please probably problem quite recent recently
  recommendation remember right romance romantic same sequel series she sorry sound stars still story stuff super take
  talking than theres things thriller times tonight weekend whats when which wow ya year
256: 3 80s actor actors adam adventure after afternoon ago ah along already alright although appreciate back bad
  because believe called came chat choice choices classics coming couple crazy creepy dark different disney does
  doesnt done dramas enough excellent fantastic fantasy fine forgot genres guess guy happy hard hear helped hes highly
  hmmm idea isnt kid kinds lately laugh life long lots made make man marvel mentioned mind mine mood musical must
  mystery name netflix only others over part perfect plot prefer read real remake rest reviews sad sandler say second
  seeing seems sequels set since smith soon sort space such tell theaters their theyre thing thinking thrillers tom
  true trying types wait war wasnt way week while whole work worth yea years yep youve
128: 4 90s able absolutely ahh almost alot animation anyway around being ben bet black books boy brad bruce bullock
  car carrey cast catch chance character chris come comes comic crime cruise cry daughter decent director documentary
  down dvd end epic especially every everyone everything exactly example excited familiar far feel ferrell fiction
  flick flicks forward found friend friendly friends full game gets girl girls ha hanks having helpful hero high
  historical home honestly hoping hot hows huge hugh humor husband intense interest jack james jason jennifer jim job
  john keep kevin kinda king later least less lets likes line lines live looked loves luck makes mean meaning mel
  modern moment morning mostly music musicals myself next nope nothing off ooh open packed particular past perhaps
  pitt plan plays psychological put robert roberts robin s said sandra scenes school science scifi seeking seem
  serious shes shot show silly son specific sports star starring start stephen style superhero suspense sweet talk
  taste theater through together totally trailer tried usually version wanted wanting weird where whos why williams
  willis woman wonderful world wrong youd youll young yup zombie
64: 10 2017 2nd 5 9 acting actress adult adults age ages agreed american animals anime anymore anytime arent ask
  asking attention awards away awhile barrymore basically beat beautiful bill bond boys british bunch cage cartoon
  case category certainly chan characters chase checking cheesy chick child children christmas clint close com
  considered cop couldnt current d damon date days dc dead death denzel depp dicaprio directed documentaries downey
  drew driving dumb during each earlier early eastwood easy edge effects ending english entertaining entire era etc
  examples except exciting fall fast fav favourite favs female fight fighting finding finished follow foreign forget
  franchise french funnier future gave general getting gibson given gives god goes gogo gonna goodie goodnight goofy
  gore gory gotta group guys hahaha happen hart hate hated haunted haven havnt hearing heart helo helping helps
  history hit hold hopefully howdy however indeed indie jackie jackman japanese jerker johnny jr julia keanu killer
  known l latest laughed lawrence lead learnt liam light ll lovely m main making mark martin matt matter mccarthy
  meant melissa men michael minute miss missed morgan move nature neither newest nicholas nicholson non normally ohh
  oldie omg once oooh oops opinion options oscar our own parts period person personal personally pick picky pixar
  place planning play pleasure point popular preference previews provoking racing rather re ready reason recall
  recomend recommended reese reeves related released reminded reminds review rewatch robot rock role rom run ryan
  scared scene seat sec sense serial seth several sick side smart someone sometimes somewhat soundtrack special spoof
  started steve stiller stop stories strange strong suggested suppose supposed surprised suspenseful t takes tarantino
  tastes tear terrible theme third title titles told top travel tv twice twist u understand unique universe until us
  use used video waiting wants wars went western westerns weve whose wife witherspoon without won wondering wont works
  wouldnt yo younger yourself yubari zombies
32: 12 1980s 1990s 2000s 2018 6 70s 8 absolute academy acts advice affleck against ahead ahhh alive allen alley alone
  amazon amy animal anyone anyways appropriate arnold arts asian asleep assume award baby bateman becomes beginning
  between binge boring born bout box boyfriend brilliant brooks brother brothers buddy busy cameron candy cannot carey
  catchy caught cause certain charlie childhood childrens chilling choose christian christopher cinema class club cold
  college combination comedic comics compare completely confusing consider control conversation cooper cops cried cube
  cult dad dance daniel daughters david deal deep def definately definetely deniro depressing detective die dies
  difficult disappointed disaster disturbing dog dogs doll douglas dr dramatic driver dude dying e earth eddie
  elements emma emotional enjoyable enjoying events evil eye eyes face fact fairly falls famous fans farley father
  faves features felt ferrel fey figure filmed finally finds fit food football ford forever form franco freaky free
  freeman fu futuristic george girlfriend giving gone gosling gotcha gotten grant greatest green growing guessing
  hadnt happened happens harrison harry head hearted heath heavy heist hell hillarious himself hm hmmmm honest
  horrible horrors huh humorous hysterical ice idk imagine imdb incredible instead interests intriguing johnson jones
  k kate keeps kidman kill killed knew knows kung lady land language lastly late laughing laughs law learn leave lee
  leo leonardo lewis liek liking lives living lost major marathon martial mebbe meet meh mention message military
  mission mix mixed mob moments money monster month months moore moves multiple murder murphy murray mysteries n names
  needs neeson nick nicolas nightmares nolan nominated novel np o obvious odd office often ohhh online ooo option
  originals panther parents parody particularly party pass passed patrick paul pegg peter picks pieces played playing
  plenty police poor pratt preferably premise prequel present princess quality queen r race rated reading realistic
  realize reccomend reco recommender recommending release remakes reminder reminding reynolds rob rogan rogen
  romantics russia russian save scare scares scariest scott screen sean search searching secret seeker seemed
  selections sent short shows simon singing slapstick sleep slow society solid sometime sorts sparks speaking spooky
  stand starred starting starts statham stay stick stone streaming stuck stunts stupid submit subtitles supernatural
  surely surprisingly taking tale team teen theatres themes tho throw tim tina tired tomorrow took total tough track
  trailers trek trilogy trip trust ty typical um umm under underrated vampire vein vibe violence violent voice wacky
  wahlberg wan wanna washington water wayne wedding weeks werent whatever white wil wilson win winner wise wish women
  woods woody working worries written wwii x y yesterday
16: 100 11 13 15 18 1st 2008 2009 2013 2016 3d 3rd above accident across act acted actions actresses actual adams
  added adding admit adorable afraid agent al alrighty amanda america amount amusing angelina anthony apocalyptic
  appeal area art asked aspect aspects assist assuming attempt audrey austen author available average avoid aware
  awful awsome b bale bank bar baseball bates battle bear beautifully became become begin behind believable bell
  bending besides biggest billy bird birthday bits bizarre blast blind blood bloody blowing board bomb bored bought
  bourne boxing bradley brain brand break bride bring bros brought brutal bud budget burton butler c cable california
  campy captain cartoons categories cera cgi change channing charlize cheers cher chevy chill chinese chose clean
  clooney clowns co comedian comical complex computer con concept confused coo correct correctly count country cousin
  crack craig crap create creature creatures crowe crude cup curious currently cya dancing dangerous danny darker
  dated dates de deals decade decaprio decide deff defiantly delay depends deserved diaz dinner direction directors
  dirty dolls don dooo dough drug due dwayne dystopian eat effort efron eh element ellen em emily ended endings ends
  er europe event everybody expect expected explain exploration explosions fabulous fair fairy fake falling families
  fancy fashion fave feature featuring feeling fell figured figures finish fo following follows fond forced forgotten
  former france freak frightening funniest gaiman games gangster gary gay gene gere ghosts giant gilmore girlie glass
  goo goodness google graphics gritty gross grossout grown gun half hand hardy harrelson hasnt hehe held helen hepburn
  herd heroes heros hill hilton hitchcock hiya hockey holds hollywood hoped hopkins hour hours hubby hughes human hunt
  impressed include including independent indian info insane inside inspirational inspired inspiring intersted
  introduce involved iron island italian jake jane jeremy jet jlo jolie journey judd jump katherine kept kidnapped
  killers killing kristen kubrick kumail kunis la lambs latter ledger left leto letting li lie lighter likely listed
  literally longer lopez loud lover low mad madea mafia magic married mars matthew max mcarthy means media meets meg
  meryl messed met michelle middle mila million minds minutes missing mmm molly mom moms monsters moving mr mysterious
  nah named nanjiani natalie nearly neat neil nerd nerds news nicole niece nights niro nite noir nominations none
  nonetheless nuts obviously ocean offer oldest oldies olds opening opps order oriented oscars ot otherwise outside
  overall owen p paced pacino page pal paranormal paris partner pay per performance perry personality pg phenomenal
  phone picture pirates pit pitch plane planet pleasant plots plus poehler political portman positive possible potter
  powerful powers preferred pregnant prequels preview prime prison problems produced provide question quick quirky
  rabbit rachel racy radar rare rating ratings raunchy ray reality realm reccomendations recomendations redbox
  releases religious remade reminders revenge rewatched rich richard ride ridiculous rings robbery robots roll
  romances ruffalo ruin russell safe sandlers sappy saturday says scarier scorsese sea sen sequal sequences seriously
  service shakespeare shape share sheen showed siberia sigourney similiar singer sister sit situation slap slightly
  small snl snow social sold solved somehow song songs sons spacey spade spanish speak specifically spectacular spider
  spiderman spielberg spin sport stage stallone state step steven store storyline stranger stream streep street
  sugestions suggesting suit summer superheroes surprise surprising survive swayze talented talked tatum tea teaches
  tears technically teenagers telling tend terms terrific terrifying th tha thatll themed themselves theyve thoughtful
  thoughts thrilling thrills throughout ti till tip tips tissues tittle tittles tommy ton tone tons touching towards
  tragic train travolta treasure tries trouble truck truly turn turned turns twisted twists typing u2 ugh uhm ultimate
  undercover unfortunately unless upcoming uplifting ups using usual valentines vampires variety vaughn ve vegas
  vietnam view vince visual visuals voices vs waste watches ways weather weaver whether wich wilder willing winning
  woah word worked worst woudl write writer writing ww2 xmen yaa yay ye yikes york yours youtube zac
8: 20 2000 2015 60s addition ahve ai alltime aniston apparently appealing appreciated assistance background backstory
  bed begins blew body boston bowl carell carrell casey cat catherine cats chases childs chuckle chucky churchill city
  clasic clown colin combo comedians comparison complete completed coms concerning connected controversial convo
  covered cracked criminal cross crystal curry dang darn dealing definetly definite demi dialogue died dig direct
  donald doubt dozen dram dream drop dry ello eventually existed expand experience favourites feels filled fits
  focused followed foster freaked furious further fuzz g gambling genuinely german goer gold grew guardians guns hair
  harvey hat hav havnet hawke heck heigl hers hoot hudson hunger hunting hurt important input intellectual
  intelligence inthe intrigued invasion involve involves involving iraq issues j jackson jamie japan joker jokes jonah
  josh keeping key kingdom korean larry learned learns leaves leslie lgbt listen lived london lookin lord lose mainly
  mainstream mall mandy mckinnon mcu medieval mentioning mess mines mirren moive moveis nd near necessarily nemo nor
  norman officer omsk oprah orange ou parent philosophical physical pig pirate politics pot power preferences
  promising pryor psych puts quentin questions rainy raised range regret relationship religion remind returning rip
  risque rotten runner sake sam saving schwarzenegger screwball se separate sex sexy shall shaun shopping sign sitting
  skipped slasher somewhere sounded spaghetti sparrow speilberg spot stomach students subject suicide suitable sunday
  superbowl talkin teacher tech teenage theron timeless tomatoes touch trapped ttyl tyler typically ummm utopian
  victoria wall west whedon whoopi wick wide winter witches within words worse wrote yu
"""


def _parse(table: str) -> dict[str, float]:
    counts: dict[str, float] = {}
    count = 0.0
    for item in table.split():
        if item.endswith(":"):
            count = float(item[:-1])
        else:
            counts[item] = count
    return counts


_COUNTS = _parse(_TABLE)


def per_million(word: str) -> float:
    """Occurrences of a normalised word in a million words of such talk."""
    return _COUNTS.get(word, UNSEEN)
