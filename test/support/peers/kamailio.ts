// Kamailio as registrar and proxy, from Debian's package, with users in memory. One child for UDP: with more, 180 may overtake 200, which is a test of its
// own. Digest is switched on by a definition; the password of every user is `pw`.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Daemon, startDaemon, whenReady } from './daemon.ts';
import { freePort, isUdpPortTaken } from './ports.ts';

export interface Kamailio extends Daemon {
  readonly port: number;
}

const MODULES = ['kex', 'corex', 'tm', 'tmx', 'sl', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'usrloc', 'registrar', 'auth'];

const configuration = (port: number, children: number): string => `#!KAMAILIO
debug=1
log_stderror=yes
children=${children}
tcp_children=1
listen=udp:127.0.0.1:${port}
listen=tcp:127.0.0.1:${port}
alias="sut.test"
${MODULES.map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("usrloc", "db_mode", 0)
request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (has_totag()) {
        if (loose_route()) { t_relay(); exit; }
        if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
        sl_send_reply("404", "Not here"); exit;
    }
    t_check_trans();
    remove_hf("Route");
    if (is_method("REGISTER")) {
#!ifdef DIGEST
        if (!pv_www_authenticate("sut.test", "pw", "0")) { www_challenge("sut.test", "1"); exit; }
        consume_credentials();
#!endif
        if (!save("location")) sl_reply_error();
        exit;
    }
#!ifdef DIGEST
    if (!pv_proxy_authenticate("sut.test", "pw", "0")) { proxy_challenge("sut.test", "1"); exit; }
    consume_credentials();
#!endif
    if (is_method("INVITE|SUBSCRIBE")) record_route();
    if (uri != myself) { t_relay(); exit; }
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    t_relay();
}
`;

export async function startKamailio({ isDigest = false, children = 1 }: { isDigest?: boolean; children?: number } = {}): Promise<Kamailio> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'quilt-kamailio-'));
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, configuration(port, children));
  const flags = ['-f', file, '-DD', '-E', '-m', '256', '-M', '8', '-w', folder, '-P', join(folder, 'pid')];
  const daemon = startDaemon('kamailio', isDigest ? [...flags, '-A', 'DIGEST'] : flags);
  await whenReady(daemon, () => isUdpPortTaken(port));
  return { ...daemon, port };
}
