package rtc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// Config is what a Port needs.
type Config struct {
	Addr   string       // host:port, of UDP and TCP alike
	Public []netip.Addr // offered to peers in place of the interfaces' addresses
	Log    *slog.Logger // default: none; what pion says goes there as debug lines
}

const (
	socketBuffer  = 4 << 20 // bytes, each way: key frames leave in one burst
	maxTCP        = 4096    // TCP connections at once
	tcpReadQueue  = 64      // packets of one TCP connection that wait to be read
	tcpWriteQueue = 1 << 20 // bytes that wait to be sent to one TCP peer; what is more is lost
	firstSTUN     = 5 * time.Second
	strangersTCP  = 10 * time.Second // for a TCP connection that belongs to nobody
	bindTries     = 5

	disconnectedAfter = 5 * time.Second // without a word from the peer
	failedAfter       = 10 * time.Second
	keepAlive         = 2 * time.Second
)

// Port is one UDP and one TCP socket with the connections that go through them.
type Port struct {
	cfg    Config
	addr   netip.AddrPort
	logs   logs
	wire   *wire
	udp    *ice.UDPMuxDefault
	tcp    *ice.TCPMuxDefault
	engine webrtc.SettingEngine
}

// Open binds the sockets. The caller must Close the port, after its connections.
func Open(ctx context.Context, cfg Config) (*Port, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	udp, tcp, err := listen(ctx, cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	p := &Port{cfg: cfg, logs: logs{cfg.Log}}
	p.addr, err = netip.ParseAddrPort(udp.LocalAddr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("webrtc: %w", err), udp.Close(), tcp.Close())
	}
	// A kernel that grants less has its reasons; more loss is repaired then.
	_, _ = udp.SetReadBuffer(socketBuffer), udp.SetWriteBuffer(socketBuffer)
	if p.wire, err = newWire(udp); err != nil {
		return nil, errors.Join(err, udp.Close(), tcp.Close())
	}
	p.udp = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: p.wire, Logger: p.logs.NewLogger("udp")})
	p.tcp = ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: &bounded{Listener: tcp, seats: make(chan struct{}, maxTCP)}, Logger: p.logs.NewLogger("tcp"),
		ReadBufferSize: tcpReadQueue, WriteBufferSize: tcpWriteQueue,
		FirstStunBindTimeout: firstSTUN, AliveDurationForConnFromStun: strangersTCP,
	})
	if err := p.settings(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// listen binds UDP and TCP to the same port, also where the system chooses it.
func listen(ctx context.Context, addr string) (*net.UDPConn, net.Listener, error) {
	var lc net.ListenConfig
	for try := 1; ; try++ {
		pc, err := lc.ListenPacket(ctx, "udp", addr)
		if err != nil {
			return nil, nil, err
		}
		udp, ok := pc.(*net.UDPConn)
		if !ok {
			return nil, nil, errors.Join(errors.New("not a UDP socket"), pc.Close())
		}
		tcp, err := lc.Listen(ctx, "tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp, nil
		}
		err = errors.Join(err, udp.Close())
		_, port, splitErr := net.SplitHostPort(addr)
		if splitErr != nil || port != "0" || try == bindTries {
			return nil, nil, err
		}
	}
}

// settings are the same for all connections.
func (p *Port) settings() error {
	e := &p.engine
	e.LoggerFactory = p.logs
	e.SetLite(true)
	e.DisableActiveTCP(true) // it would dial whatever address a peer names
	e.SetICEUDPMux(p.udp)
	e.SetICETCPMux(p.tcp)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6})
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetICETimeouts(disconnectedAfter, failedAfter, keepAlive)
	e.SetIncludeLoopbackCandidate(len(p.cfg.Public) == 0)
	e.SetIPFilter(func(ip net.IP) bool { return !ip.IsLinkLocalUnicast() })
	e.DisableMediaEngineCopy(true) // every connection has one of its own
	var public []string
	for _, a := range p.cfg.Public {
		public = append(public, a.String())
	}
	if len(public) == 0 {
		return nil
	}
	err := e.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
		External: public, AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteReplace,
	})
	if err != nil {
		return fmt.Errorf("webrtc: public addresses: %w", err)
	}
	return nil
}

// Addr is what the sockets are bound to.
func (p *Port) Addr() netip.AddrPort { return p.addr }

// Close closes the sockets. Connections that are still there lose theirs.
func (p *Port) Close() error {
	return errors.Join(p.udp.Close(), p.tcp.Close())
}
