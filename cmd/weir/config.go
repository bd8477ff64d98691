package main

import (
	"log/slog"
	"time"
)

// Config is every setting of weir, as the outside contract names them. It is read once
// at the start and never changes.
//
// The tags are the reference: env is the name, envDefault the default, unit and
// help are shown by `weir config`, secret says how a value is shown ("yes": not at
// all, "url": scheme and host only), network is that of a listener that is not on TCP alone: udp or both.
type Config struct {
	HTTP   HTTPConfig
	Ingest IngestConfig
	Live   LiveConfig
	Users  UsersConfig
	Store  StoreConfig
	Log    LogConfig
	Told   ToldConfig
}

// HTTPConfig is about the public port and the admin port.
type HTTPConfig struct {
	Addr           Address  `env:"WEIR_HTTP_ADDR" envDefault:":8080" unit:"host:port" help:"the one public port: web, API, HLS and DASH"`
	TLSCert        string   `env:"WEIR_TLS_CERT" unit:"file" help:"certificate chain, PEM: the public port (and RTMPS) speaks TLS and nothing else"`
	TLSKey         string   `env:"WEIR_TLS_KEY" unit:"file" help:"private key of WEIR_TLS_CERT, PEM"`
	PublicURL      string   `env:"WEIR_PUBLIC_URL" unit:"URL" help:"address of the public port as people see it, for what weir prints; its host is in addresses to publish to; empty: localhost or the host of WEIR_HTTP_ADDR"`
	TrustedProxies Networks `env:"WEIR_TRUSTED_PROXIES" unit:"networks" help:"networks whose X-Forwarded-For or PROXY header counts (PROXY also on the ports of RTMP, RTMPS and RTSP, those of players included), such as 10.0.0.0/8,192.0.2.7"`
	NodeURL        string   `env:"WEIR_NODE_URL" unit:"URL" help:"where other media nodes reach the public port of this one, such as http://10.0.0.8:8080; with WEIR_REDIS_URL and WEIR_SECRET_KEY; empty: they do not"`
	AdminAddr      Address  `env:"WEIR_ADMIN_ADDR" envDefault:"127.0.0.1:9090" unit:"host:port" help:"for operators, not the public: /metrics, /debug/pprof, /healthz and /readyz; empty: off"`
}

// IngestConfig is about publishers.
type IngestConfig struct {
	RTMPAddr      Address       `env:"WEIR_RTMP_ADDR" envDefault:":1935" unit:"host:port" help:"RTMP; empty: off"`
	RTMPSAddr     Address       `env:"WEIR_RTMPS_ADDR" unit:"host:port" help:"RTMP over TLS, with WEIR_TLS_CERT; empty: off"`
	RTSPAddr      Address       `env:"WEIR_RTSP_ADDR" envDefault:":8554" unit:"host:port" help:"RTSP; empty: off"`
	RTSPUDPAddr   Address       `env:"WEIR_RTSP_UDP_ADDR" envDefault:":8000" unit:"host:port" help:"where media of RTSP comes over UDP: RTP on this even port, RTCP on the next; empty: over TCP only" network:"udp"`
	RTSPPlayAddr  Address       `env:"WEIR_RTSP_PLAY_ADDR" unit:"host:port" help:"where players watch over RTSP, such as :8555; empty: off"`
	RTMPPlayAddr  Address       `env:"WEIR_RTMP_PLAY_ADDR" unit:"host:port" help:"where players watch over RTMP, such as :1937; empty: off"`
	SRTPlayAddr   Address       `env:"WEIR_SRT_PLAY_ADDR" unit:"host:port" help:"where players watch over SRT, a UDP port such as :8891; empty: off" network:"udp"`
	SRTAddr       Address       `env:"WEIR_SRT_ADDR" envDefault:":8890" unit:"host:port" help:"SRT, a UDP port; empty: off" network:"udp"`
	SRTLatency    time.Duration `env:"WEIR_SRT_LATENCY" envDefault:"120ms" unit:"duration" help:"how long SRT waits for lost packets to come again, 20ms to 8s; publishers may wish for more, up to 8s"`
	SRTPassphrase string        `env:"WEIR_SRT_PASSPHRASE" unit:"text" secret:"yes" help:"10 to 79 characters with which SRT publishers have to encrypt, unless their channel has its own; empty: they must not"`
	WebRTCAddr    Address       `env:"WEIR_WEBRTC_ADDR" envDefault:":8189" unit:"host:port" help:"WebRTC, one UDP and one TCP port; empty: off" network:"both"`
	WebRTCPublic  Addresses     `env:"WEIR_WEBRTC_PUBLIC" unit:"addresses" help:"addresses to offer to WebRTC peers from behind NAT, such as 203.0.113.7; empty: those of the interfaces"`
	MaxConnsPerIP int           `env:"WEIR_MAX_CONNS_PER_IP" envDefault:"256" unit:"connections" help:"publishing connections from one address at once"`
	Reconnect     time.Duration `env:"WEIR_RECONNECT" envDefault:"10s" unit:"duration" help:"how long a session waits for a publisher that dropped"`
	NodeHost      string        `env:"WEIR_NODE_HOST" unit:"host" help:"name or address at which publishers reach this media node and no other, such as a.example.com; a node that leaves, or has no room (WEIR_OVERLOAD=refuse), sends publishers there; empty: none does"`
	NodePorts     Ports         `env:"WEIR_NODE_PORTS" unit:"scheme=port list" help:"ports of WEIR_NODE_HOST that are not those which this process opens, such as rtmp=11935,https=443"`
	Drain         time.Duration `env:"WEIR_DRAIN" envDefault:"10s" unit:"duration" help:"how long a media node that is asked to stop takes at most to hand its streams to other nodes, where there is one; 0s: it ends them"`
	Takeover      bool          `env:"WEIR_TAKEOVER" envDefault:"false" unit:"true or false" help:"a second publisher of a live name replaces the first (true) or is refused (false); one that has sent nothing for 1.5 s is replaced in any case"`
	Publish       string        `env:"WEIR_PUBLISH" envDefault:"key" unit:"key or open" help:"key: a stream key is needed; open: anyone may publish any name"`
	Hook          string        `env:"WEIR_PUBLISH_HOOK" unit:"URL" secret:"url" help:"asked by POST before a publisher with a right key is let in; 4xx refuses; empty: nobody is asked"`
}

// LiveConfig is about what viewers get.
type LiveConfig struct {
	Ladder        Ladder        `env:"WEIR_LADDER" envDefault:"auto" unit:"auto, off or list" help:"renditions beside the source's own, such as 720p:2800k,480p:1400k; never larger than the source"`
	Overload      string        `env:"WEIR_OVERLOAD" envDefault:"shed" unit:"shed, source or refuse" help:"a stream whose renditions are more than the CPU has free, by what the others cost, is taken, and renditions are left out where it is late (shed), or taken without (source), or refused"`
	Original      bool          `env:"WEIR_ORIGINAL" envDefault:"true" unit:"true or false" help:"pictures that come in HEVC, AV1 or VP9, and sound in Opus, are offered as they came too, beside the H.264 and AAC that are made of them"`
	Slate         bool          `env:"WEIR_SLATE" envDefault:"false" unit:"true or false" help:"while a publisher that dropped is waited for, or sends nothing for 2 s, viewers get its last picture, dimmed, and silence (true) or nothing (false)"`
	Segment       time.Duration `env:"WEIR_SEGMENT" envDefault:"2s" unit:"duration" help:"wished length of a segment, 500ms to 30s"`
	Part          time.Duration `env:"WEIR_PART" envDefault:"200ms" unit:"duration" help:"wished length of an LL-HLS part, 50ms to 2s and at most half a segment"`
	Record        string        `env:"WEIR_RECORD" envDefault:"channels" unit:"off, channels or all" help:"channels: streams of channels that say so are recorded, to S3 or WEIR_DATA_DIR, and stay there as /vod/ID; all: every stream"`
	RecordKeep    time.Duration `env:"WEIR_RECORD_KEEP" envDefault:"0s" unit:"duration" help:"recordings and clips are deleted when they are so old, such as 720h, in whole days; channels may keep theirs shorter; 0s: they stay"`
	RecordQuotaGB int           `env:"WEIR_RECORD_QUOTA_GB" envDefault:"100" unit:"GB" help:"how much the recordings and clips of one channel may take: the oldest make room for new ones, clips last; channels may have less; 0: no bound"`
	RecordFreeGB  int           `env:"WEIR_RECORD_FREE_GB" envDefault:"2" unit:"GB" help:"no recording begins, and no clip is made, with less room in WEIR_DATA_DIR, where they go without S3; 0: no bound"`
	SpoolMB       int           `env:"WEIR_SPOOL_MB" envDefault:"4096" unit:"MB" help:"how much of recordings waits in WEIR_DATA_DIR while the object store does not work; what is more is lost, the oldest first"`
	DVR           time.Duration `env:"WEIR_DVR" envDefault:"10m" unit:"duration" help:"how far viewers can go back, at least 6 times WEIR_SEGMENT"`
	DVRLocal      time.Duration `env:"WEIR_DVR_LOCAL" envDefault:"10m" unit:"duration" help:"how much of WEIR_DVR stays in files of the data folder where a stream is recorded to S3; what is older is read there; 0s: all of it"`
}

// ToldConfig is about servers elsewhere, whose addresses users choose.
type ToldConfig struct {
	CameraPrivate  Networks `env:"WEIR_CAMERA_PRIVATE" unit:"networks" help:"networks of cameras that channels may show beside those with public addresses, such as 192.168.1.0/24; empty: none"`
	WebhookPrivate Networks `env:"WEIR_WEBHOOK_PRIVATE" unit:"networks" help:"networks that webhooks and restreams may reach beside public addresses, webhooks also by plain http, such as 10.0.0.0/8,127.0.0.1; empty: none"`
}

// UsersConfig is about accounts.
type UsersConfig struct {
	UserAddr  Address       `env:"WEIR_USER_ADDR" unit:"host:port" help:"where the role user serves other processes; empty: this process alone"`
	UserURL   string        `env:"WEIR_USER_URL" unit:"URL" help:"where the gateway finds the role user when it runs in another process, such as http://10.0.0.7:8081"`
	LiveAddr  Address       `env:"WEIR_LIVE_ADDR" unit:"host:port" help:"where the role live serves other processes; empty: this process alone"`
	LiveURL   string        `env:"WEIR_LIVE_URL" unit:"URL" help:"where the gateway finds the role live when it runs in another process, such as http://10.0.0.8:8082"`
	Providers ProviderNames `env:"WEIR_OIDC_PROVIDERS" unit:"names" help:"where people can sign in beside here, such as google,github,acme; each name has settings WEIR_OIDC_NAME_..., listed when it is there"`
	LogLinks  bool          `env:"WEIR_LOG_LINKS" envDefault:"false" unit:"true or false" help:"for development: links of mails go to the log, where whoever reads it can take over accounts"`
}

// StoreConfig is about where things are kept.
type StoreConfig struct {
	DataDir      string `env:"WEIR_DATA_DIR" envDefault:"./data" unit:"folder" help:"accounts, stream keys, pictures, recordings without S3, and the segments of live streams, which the next start clears"`
	DatabaseURL  string `env:"WEIR_DATABASE_URL" unit:"URL" secret:"url" help:"PostgreSQL; empty: SQLite in WEIR_DATA_DIR"`
	SecretKey    string `env:"WEIR_SECRET_KEY" unit:"hex or base64" secret:"yes" help:"32 random bytes that seal signing keys, keys of passes and second factors in the database, the same in all processes that share it; empty: a file in WEIR_DATA_DIR"`
	SecretKeyOld string `env:"WEIR_SECRET_KEY_OLD" unit:"hex or base64" secret:"yes" help:"the key before: what it has sealed is sealed anew at the start"`
	RedisURL     string `env:"WEIR_REDIS_URL" unit:"URL" secret:"url" help:"Redis; empty: embedded"`
	AMQPURL      string `env:"WEIR_AMQP_URL" unit:"URL" secret:"url" help:"RabbitMQ; empty: embedded"`
	S3Endpoint   string `env:"WEIR_S3_ENDPOINT" unit:"URL or host:port" help:"S3 or MinIO, path style; empty: files under WEIR_DATA_DIR"`
	S3Bucket     string `env:"WEIR_S3_BUCKET" unit:"name" help:"bucket, made when it is not there"`
	S3AccessKey  string `env:"WEIR_S3_ACCESS_KEY" unit:"text" secret:"yes" help:"access key"`
	S3SecretKey  string `env:"WEIR_S3_SECRET_KEY" unit:"text" secret:"yes" help:"secret key"`
	S3Region     string `env:"WEIR_S3_REGION" unit:"name" help:"region"`
}

// LogConfig is about the log, which goes to stderr.
type LogConfig struct {
	Level  slog.Level `env:"WEIR_LOG_LEVEL" envDefault:"info" unit:"level" help:"debug, info, warn or error"`
	Format string     `env:"WEIR_LOG_FORMAT" envDefault:"auto" unit:"text, json or auto" help:"auto: text on a terminal, JSON elsewhere"`
}
