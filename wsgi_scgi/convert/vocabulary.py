"""Apache's directives that are not carried over: those without meaning here, and why of others.

Names are in lower case, sections begin with ``<``.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Logs, processes, modules, how files are described and cached, and sections whose contents are
# told one by one.
_MEANINGLESS: Final = """
    <if <else <elseif <ifdefine <ifdirective <iffile <ifmodule <ifsection <ifversion <limit
    <limitexcept <location <locationmatch <proxy <proxymatch <requireall <requireany <requirenone
    <virtualhost
    acceptfilter acceptpathinfo accessfilename addalt addaltbyencoding addaltbytype addcharset
    adddefaultcharset adddescription addencoding addicon addiconbyencoding addiconbytype
    addlanguage addmoduleinfo addtype allowconnect allowoverride allowoverridelist
    asyncrequestworkerfactor brotlialteretag
    brotlicompressionmaxinputblock brotlicompressionquality brotlicompressionwindow
    brotlifilternote bufferedlogs buffersize cachedefaultexpire cachedetailheader cachedirlength
    cachedirlevels cachedisable cacheenable cachefile cacheheader cacheignorecachecontrol
    cacheignoreheaders cacheignorenolastmod cacheignorequerystring cachekeybaseurl
    cachelastmodifiedfactor cachelock cachelockmaxage cachelockpath cachemaxexpire
    cachemaxfilesize cacheminexpire cacheminfilesize cachenegotiateddocs cachequickhandler
    cachereadsize cachereadtime cacheroot cachesocache cachestaleonerror cachestoreexpired
    cachestorenostore cachestoreprivate cgidscripttimeout cgimapextension cgiscripttimeout
    checkcaseonly checkspelling chrootdir cookiedomain cookieexpires cookiename cookiestyle
    cookietracking coredumpdirectory customlog defaulticon defaultlanguage defaultruntimedir
    defaultstatedir defaulttype define deflatealteretag deflatebuffersize
    deflatecompressionlevel deflatefilternote deflatememlevel deflatewindowsize
    directorycheckhandler directoryindex directoryindexredirect directoryslash dumpioinput
    dumpiooutput enableexceptionhook enablemmap enablesendfile errorlog errorlogformat
    extendedstatus fallbackresource fileetag flushmaxpipelined flushmaxthreshold
    forcelanguagepriority forensiclog globallog gprofdir gracefulshutdowntimeout group
    h2copyfiles h2direct h2earlyhint h2earlyhints h2maxdataframelen h2maxsessionstreams
    h2maxworkeridleseconds h2maxworkers h2minworkers h2moderntlsonly h2outputbuffering h2padding
    h2push h2pushdiarysize h2pushpriority h2pushresource h2serializeheaders h2streammaxmemsize
    h2streamtimeout h2tlscooldownsecs h2tlswarmupsize h2upgrade h2windowsize headername
    hostnamelookups
    identitycheck identitychecktimeout imapbase imapdefault imapmenu
    indexforbiddenreturn404 indexheadinsert indexignore indexignorereset indexoptions
    indexorderdefault indexstylesheet keepalive keepalivetimeout keptbodysize languagepriority
    ldapcacheentries ldapcachettl ldapconnectionpoolttl ldapconnectiontimeout ldapsharedcachefile
    ldapsharedcachesize ldaptimeout ldaptrustedglobalcert ldapverifyservercert listenbacklog
    listencoresbucketsratio loadfile loadmodule logformat logiotrackttfb loglevel
    logleveloverride logmessage maxconnectionsperchild maxkeepaliverequests maxmemfree
    maxrangeoverlaps maxrangereversals maxranges maxrequestsperchild maxrequestworkers maxclients
    maxspareservers maxsparethreads maxthreads memcacheconnttl mimemagicfile mimeoptions
    minspareservers minsparethreads mmapfile modmimeusepathinfo multiviewsmatch mutex
    namevirtualhost options pidfile protocols protocolshonororder proxyrequests proxystatus
    readbuffersize readmename receivebuffersize redisconnpoolttl redistimeout
    regexdefaultoptions removecharset removeencoding removehandler removelanguage removetype
    requestreadtimeout rewriteengine rlimitcpu rlimitmem rlimitnproc scoreboardfile scriptlog
    scriptlogbuffer scriptloglength scriptsock seerequesttail sendbuffersize serveradmin
    serveralias serverlimit servername serverroot serversignature servertokens sslpassphrasedialog
    sslrandomseed sslsessioncache sslsessioncachetimeout sslsessiontickets sslstaplingcache
    startservers startthreads suexec suexecusergroup threadlimit threadsperchild threadstacksize
    traceenable transferlog typesconfig undefine usecanonicalphysicalport user
    watchdoginterval xbithack
"""
_NAMES: Final = frozenset(_MEANINGLESS.split())

_GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "applies to no route": """
            allowencodedslashes allowhandlers allowmethods browsermatch browsermatchnocase
            cgipassauth documentroot limitrequestbody mdrequirehttps order allow deny satisfy
            proxyblock proxyerroroverride proxypassreverse proxypassreversecookiedomain
            proxypassreversecookiepath proxyscgiinternalredirect proxyscgisendfile proxytimeout
            requestheader require setenv setenvif setenvifexpr setenvifnocase sslrequire
            sslrequiressl sslverifyclient timeout unsetenv authbasicprovider authmerging authtype
            authuserfile proxyset balancermember
        """,
        "routes do not change the fields of responses": "header reflectorheader",
        "files are not served here, only what the backends answer": """
            <directory <directorymatch <files <filesmatch action addhandler alias aliasmatch
            aliaspreservepath dav forcetype script scriptalias scriptaliasmatch sethandler userdir
            virtualdocumentroot virtualdocumentrootip virtualscriptalias virtualscriptaliasip
        """,
        "answers are not compressed, filtered or dated here": """
            addinputfilter addoutputfilter addoutputfilterbytype expiresactive expiresbytype
            expiresdefault filterchain filterdeclare filterprotocol filterprovider filtertrace
            outputsed inputsed removeinputfilter removeoutputfilter setinputfilter setoutputfilter
            substitute substituteinheritbefore substitutemaxlinelength
        """,
        "it has no effect for SCGI in Apache": """
            proxy100continue proxyaddheaders proxybadheader proxyiobuffersize proxypreservehost
            proxyvia proxysourceaddress proxyreceivebuffersize
        """,
        "nothing is taken from the environment; write it into variables": "passenv",
        "the backend gets the path of the request as it came": "cgivar",
        "rewriting is not carried over": (
            "rewriterule rewritecond rewritemap rewritebase rewriteoptions"
        ),
        "redirections are not made here; outside of a Location ProxyPass comes before them": (
            "redirect redirectmatch redirectpermanent redirecttemp redirectrelative"
        ),
        "error pages go to error_document": "errordocument",
        "REMOTE_ADDR is the peer's; see trusted_proxies": """
            remoteipheader remoteipinternalproxy remoteipinternalproxylist remoteipproxiesheader
            remoteipproxyprotocol remoteipproxyprotocolexceptions remoteiptrustedproxy
            remoteiptrustedproxylist
        """,
        "SERVER_NAME and SERVER_PORT come from the Host field": (
            "usecanonicalname serverpath stricthostcheck"
        ),
        "the checks of a balancer are in [balancer.NAME.health]": (
            "proxyhcexpr proxyhctemplate proxyhctpsize"
        ),
        "nobody listens to heartbeats here": (
            "heartbeataddress heartbeatlisten heartbeatmaxservers heartbeatstorage"
        ),
        "members can be added while the gateway runs (see growth), balancers cannot": (
            "balancergrowth"
        ),
        "a reload keeps who was taken out or added, a restart keeps nothing": "balancerpersist",
        "balancers are there for all hosts": "balancerinherit",
        "this gateway is no forward proxy": "proxyremote proxyremotematch noproxy proxydomain",
        "no file matches here; see whether the server has one": "include includeoptional",
        "no request can match it": "proxypass proxypassmatch",
        "slash runs are one slash here, in every comparison": "mergeslashes",
        "the realm is the gateway's own": "authname",
        "TLS is gunicorn's: see certfile, keyfile, ssl_context": """
            sslcertificatefile sslcertificatekeyfile sslcertificatechainfile sslciphersuite
            sslcacertificatefile sslcacertificatepath sslcompression sslengine sslhonorcipherorder
            ssloptions sslopensslconfcmd sslpolicy sslprotocol sslusername sslusestapling
            sslverifydepth sslstrictsnivhostcheck
        """,
        "not certain or not understood; write bind into [server]": "listen",
        "the limit is gunicorn's": "limitrequestline limitrequestfields limitrequestfieldsize",
        "at most 10 local redirects follow one another": "limitinternalrecursion",
        "the main server's ProxyPass lines count for all hosts, as in Apache": "proxypassinherit",
        "Max-Forwards is not added": "proxymaxforwards",
    }
)

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {name: reason for reason, names in _GROUPS.items() for name in names.split()}
)
"""Why a directive, by its name, is not carried over."""


def has_no_meaning_here(key: str) -> bool:
    """Tell whether a directive is about logs, processes, modules or the like."""
    return key in _NAMES
