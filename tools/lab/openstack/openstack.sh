#!/bin/bash
# Real OpenStack (Keystone, Placement, Glance, Neutron, Nova with its fake hypervisor) from Debian's packages, on loopback ports of its own and in the folder
# that is its first argument; NODE is the Node to run. Prints `ready` when a server can be launched, lives until its stdin is closed, and takes everything with
# it. Why the settings are as they are: README.md. Nothing of the system's own configuration is read or changed but /etc/nova/api-paste.ini.
set -eu
D=$1 HERE=$(cd "$(dirname "$0")" && pwd)
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p "$D"/{run,log,images,nova,fernet,cred,py/labmech,py/labmech-1.egg-info,rabbit}
cd "$D"
exec 3>&1 >log/setup.out 2>&1

groups=()
finish() {
  trap - EXIT TERM INT HUP
  for group in "${groups[@]}"; do kill -TERM -- "-$group" 2>/dev/null || true; done
  for _ in $(seq 40); do
    alive=no
    for group in "${groups[@]}"; do kill -0 -- "-$group" 2>/dev/null && alive=yes; done
    [ "$alive" = yes ] || break
    sleep 0.25
  done
  for group in "${groups[@]}"; do kill -KILL -- "-$group" 2>/dev/null || true; done
  # Erlang's name server makes itself a daemon; by its port it is ours.
  ERL_EPMD_PORT=15681 epmd -kill || true
}
trap finish EXIT
trap 'exit 143' TERM INT HUP
# Each in a process group of its own: some fork.
bg() { name=$1; shift; setsid "$@" >"log/$name.out" 2>&1 3>&- </dev/null & groups+=($!); }
ok() { for _ in $(seq 240); do "$@" >/dev/null 2>&1 && return; sleep 0.5; done; echo "gave up on: $*"; exit 1; }

mysql_install_db --no-defaults --datadir="$D/mysql" --user=root --skip-test-db --auth-root-authentication-method=normal
bg mysql mariadbd --no-defaults --user=root --datadir="$D/mysql" --bind-address=127.0.0.1 --port=13306 --socket="$D/run/my.sock" --pid-file="$D/run/my.pid" --max-connections=400 --innodb-flush-log-at-trx-commit=0
printf 'listeners.tcp.1 = 127.0.0.1:15679\n' >rabbit/rabbitmq.conf
echo '[].' >rabbit/plugins
bg rabbit env HOME="$D/rabbit" RABBITMQ_NODENAME=lab@localhost RABBITMQ_MNESIA_BASE="$D/rabbit/db" RABBITMQ_LOG_BASE="$D/rabbit/log" \
  RABBITMQ_CONFIG_FILE="$D/rabbit/rabbitmq.conf" RABBITMQ_PID_FILE="$D/rabbit/pid" RABBITMQ_ENABLED_PLUGINS_FILE="$D/rabbit/plugins" \
  RABBITMQ_DIST_PORT=15680 ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=15681 \
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' /usr/lib/rabbitmq/bin/rabbitmq-server

sql=(mysql --no-defaults -uroot -S "$D/run/my.sock")
ok "${sql[@]}" -e 'select 1'
for name in keystone nova nova_api nova_cell0 placement glance neutron; do
  "${sql[@]}" -e "create database $name character set utf8mb3; grant all on $name.* to 'os'@'127.0.0.1' identified by 'os'; grant all on $name.* to 'os'@'localhost' identified by 'os'"
done

DB=mysql+pymysql://os:os@127.0.0.1:13306 K=http://127.0.0.1:15000 R=rabbit://guest:guest@127.0.0.1:15679/
AUTH="auth_url = $K
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = svc
password = svc
region_name = RegionOne"
tokens() {
  printf '[keystone_authtoken]\nservice_type = %s\nservice_token_roles = admin\nservice_token_roles_required = true\nwww_authenticate_uri = %s\n%s\n' "$1" "$K" "$AUTH"
  printf '[oslo_concurrency]\nlock_path = %s/run\n' "$D"
}
cat >keystone.conf <<E2
[database]
connection = $DB/keystone
[token]
provider = fernet
[fernet_tokens]
key_repository = $D/fernet
[credential]
key_repository = $D/cred
E2
{ printf '[api]\nauth_strategy = keystone\n[placement_database]\nconnection = %s/placement\n' "$DB"; tokens placement; } >placement.conf
cat >glance-api.conf <<E2
[DEFAULT]
enabled_backends = fs:file
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = $D/images
[database]
connection = $DB/glance
[paste_deploy]
flavor = keystone
$(tokens image)
E2
cp /etc/glance/glance-api-paste.ini .
cat >nova.conf <<E2
[DEFAULT]
my_ip = 127.0.0.1
host = lab1
state_path = $D/nova
instances_path = $D/nova
log_dir = $D/log
transport_url = $R
compute_driver = fake.FakeDriver
enabled_apis = osapi_compute,metadata
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = 15774
osapi_compute_workers = 1
metadata_listen = 127.0.0.1
metadata_listen_port = 15775
metadata_workers = 1
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
[api]
max_limit = 2
[api_database]
connection = $DB/nova_api
[database]
connection = $DB/nova
[conductor]
workers = 1
[scheduler]
workers = 1
[wsgi]
api_paste_config = /etc/nova/api-paste.ini
[glance]
api_servers = http://127.0.0.1:15292
[vnc]
enabled = false
[placement]
$AUTH
[service_user]
send_service_user_token = true
$AUTH
[neutron]
$AUTH
service_metadata_proxy = true
metadata_proxy_shared_secret = sekret
$(tokens compute)
E2
cp /usr/lib/python3/dist-packages/neutron/tests/etc/api-paste.ini neutron-paste.ini
cat >neutron.conf <<E2
[DEFAULT]
bind_host = 127.0.0.1
bind_port = 15696
core_plugin = ml2
service_plugins = router
api_paste_config = $D/neutron-paste.ini
state_path = $D/run
log_file = $D/log/neutron.log
transport_url = $R
api_workers = 0
rpc_workers = 0
dhcp_agent_notification = false
pagination_max_limit = 2
[database]
connection = $DB/neutron
[nova]
$AUTH
[ml2]
type_drivers = local,flat
tenant_network_types = local
mechanism_drivers = lab
extension_drivers = port_security
[ml2_type_flat]
flat_networks = *
$(tokens network)
E2
cat >py/labmech/__init__.py <<'E2'
from neutron_lib.api.definitions import portbindings as p
from neutron_lib.plugins.ml2 import api


class LabMech(api.MechanismDriver):  # binds every port: no agent, no data plane
    def initialize(self):
        pass

    def bind_port(self, c):
        c.set_binding(c.segments_to_bind[0][api.ID], p.VIF_TYPE_BRIDGE, {p.CAP_PORT_FILTER: True}, status='ACTIVE')
E2
printf '[neutron.ml2.mechanism_drivers]\nlab = labmech:LabMech\n' >py/labmech-1.egg-info/entry_points.txt
printf 'Metadata-Version: 1.0\nName: labmech\nVersion: 1\n' >py/labmech-1.egg-info/PKG-INFO

keystone=(keystone-manage --config-file keystone.conf) nova=(nova-manage --config-file nova.conf)
"${keystone[@]}" db_sync
"${keystone[@]}" fernet_setup --keystone-user root --keystone-group root
"${keystone[@]}" credential_setup --keystone-user root --keystone-group root
"${keystone[@]}" bootstrap --bootstrap-password admin --bootstrap-public-url $K/v3/ --bootstrap-internal-url $K/v3/ --bootstrap-admin-url $K/v3/ --bootstrap-region-id RegionOne
# uWSGI drops kept-alive connections at random; `Connection: close` says so beforehand.
web=(uwsgi --master --die-on-term --plugins python3 --processes 1 --enable-threads --buffer-size 65535 --add-header 'Connection: close')
bg keystone "${web[@]}" --threads 4 --http-socket 127.0.0.1:15000 --wsgi-file /usr/bin/keystone-wsgi-public --pyargv "--config-file $D/keystone.conf"
placement-manage --config-file placement.conf db sync & a=$!
glance-manage --config-file glance-api.conf db_sync & b=$!
python3 -c "import sys; sys.argv=['x','--config-file','neutron.conf','upgrade','heads']; from neutron.db.migration.cli import main; main()" & c=$!
"${nova[@]}" api_db sync
"${nova[@]}" cell_v2 map_cell0
"${nova[@]}" cell_v2 create_cell --name cell1
"${nova[@]}" db sync
wait $a $b $c
ok curl -sf $K/v3
"$NODE" "$HERE/fill.ts" accounts

bg placement env OS_PLACEMENT_CONFIG_DIR="$D" "${web[@]}" --threads 4 --http-socket 127.0.0.1:15778 --wsgi-file /usr/bin/placement-api
bg glance "${web[@]}" --http-socket 127.0.0.1:15292 --wsgi-file /usr/bin/glance-wsgi-api --env "OS_GLANCE_CONFIG_DIR=$D"
bg neutron env PYTHONPATH="$D/py" python3 -c "import sys; sys.argv=['neutron-server','--config-file','$D/neutron.conf']; from neutron.cmd.eventlet.server import main; main()"
bg nova-api nova-api --config-file nova.conf --log-file api.log
for part in conductor scheduler; do
  bg "nova-$part" python3 -c "import sys; sys.argv=['nova-$part','--config-file','$D/nova.conf','--log-file','$part.log']; from nova.cmd.$part import main; main()"
done
for port in 15778 15696 15292 15774; do ok curl -s "http://127.0.0.1:$port/"; done
bg nova-compute python3 -c "import sys; sys.argv=['nova-compute','--config-file','$D/nova.conf','--log-file','compute.log']; from nova.cmd.compute import main; main()"
"$NODE" "$HERE/fill.ts" things
# Until the host is mapped, the scheduler refuses every server.
mapped() { "${nova[@]}" cell_v2 discover_hosts --verbose 2>&1 | grep -q 'Creating host mapping'; }
ok mapped
echo ready >&3
# The one who started this holds the other end; when it is gone, so is all of this.
cat >/dev/null
