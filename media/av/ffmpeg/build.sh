#!/usr/bin/env bash
# The FFmpeg that weir is linked with.
#
#   build.sh        make sure that it is there; says where
#   build.sh env    the same, then prints the environment for the go command:
#                   eval "$(media/av/ffmpeg/build.sh env)"
#
# A system FFmpeg 7.1 known to pkg-config is used as it is. Otherwise a small
# static one is built, once, into the user's cache folder: about four minutes on
# two cores. Only what weir uses is compiled in, which is also what a hostile
# file can reach. Two calls at once are safe: the second waits for the first.
#
# Sources: the release tarballs, checked against the sums below, or, where those
# cannot be reached, Debian 13's source packages through this machine's own
# Debian mirror and archive keyring; apt's signatures are the proof there. The
# machine's own apt configuration is only read.
set -euo pipefail
unset PKG_CONFIG CGO_CFLAGS CGO_LDFLAGS CFLAGS LDFLAGS DESTDIR MAKEFLAGS MFLAGS GREP_OPTIONS
export LC_ALL=C

ffmpeg=7.1.5
ffmpeg_url=https://ffmpeg.org/releases/ffmpeg-$ffmpeg.tar.xz
ffmpeg_sum=de668509caf9e35e3cd162473441fdb29538c6d96ed080292b3cf9e6fc5d558f
dav1d=1.5.1
dav1d_url=https://downloads.videolan.org/pub/videolan/dav1d/$dav1d/dav1d-$dav1d.tar.xz
dav1d_sum=401813f1f89fa8fd4295805aa5284d9aed9bc7fc1fdbe554af4292f64cbabe21

flags=(
  --enable-gpl --enable-static --disable-shared --enable-pic --disable-programs --disable-doc --disable-network
  --disable-autodetect --disable-debug --disable-postproc --disable-indevs --disable-outdevs --disable-everything
  --enable-zlib --enable-libx264 --enable-libopus --enable-libdav1d
  --enable-protocol=file,pipe,data
  --enable-decoder=h264,hevc,libdav1d,vp8,vp9,mpeg1video,mpeg2video,mpeg4,h263,flv,mjpeg,prores,dnxhd,vc1,wmv3,rawvideo,png
  --enable-decoder=aac,aac_latm,mp2,mp3,mp3float,ac3,eac3,opus,vorbis,flac,alac,wmav2
  --enable-decoder=pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_u8,pcm_alaw,pcm_mulaw
  --enable-demuxer=aac,ac3,asf,avi,eac3,flac,flv,h264,hevc,image2,ivf,m4v,matroska,mov,mp3,mpegps,mpegts,mpegvideo,mxf,ogg,wav
  --enable-parser=aac,aac_latm,ac3,av1,dnxhd,flac,h263,h264,hevc,mjpeg,mpeg4video,mpegaudio,mpegvideo,opus,png,vc1,vorbis,vp8,vp9
  --enable-encoder=libx264,libopus,aac,mjpeg,png
  --enable-muxer=mp4,mpegts,flv,adts,null
  --enable-bsf=h264_mp4toannexb,hevc_mp4toannexb,aac_adtstoasc,extract_extradata,vp9_superframe_split,null
  --enable-filter=buffer,buffersink,abuffer,abuffersink,null,anull,format,aformat,scale,aresample,fps,setpts,asetpts,settb,asettb
  --enable-filter=trim,atrim,crop,pad,transpose,hflip,vflip,setsar,yadif,bwdif,tonemap,overlay,tile,thumbnail,volume,pan
)

# A third of the time went into FFmpeg's assembly with nasm 2.16, which takes four times as long as yasm
# for it. What yasm does not know is AVX-512, which nothing here leans on. dav1d wants nasm.
case $(uname -m) in x86_64) flags+=(--x86asmexe=yasm) ;; esac

say() { echo "ffmpeg: $*" >&2; }
die() { say "$*"; exit 1; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/weir
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
# Another recipe is another folder.
key=$(printf '%s\n' "$ffmpeg" "$dav1d" "${flags[@]}" "$(uname -m)" | sha256sum | cut -c1-16)
out=$cache/ffmpeg-$key
log=$cache/ffmpeg-$key.log

# system_ffmpeg is true when pkg-config offers FFmpeg 7.1 that is not one of ours.
system_ffmpeg() {
  command -v pkg-config >/dev/null || return 1
  pkg-config --exists 'libavcodec >= 61.19' 'libavcodec < 62' 'libavformat >= 61.7' 'libavfilter >= 10.4' \
    libavdevice libswresample libswscale 'libavutil >= 59.39' 2>/dev/null || return 1
  case $(pkg-config --variable=prefix libavcodec) in *"/weir/ffmpeg-"*) return 1 ;; esac
}

need_packages() {
  local missing=()
  command -v nasm >/dev/null || missing+=(nasm)
  [ "$(uname -m)" != x86_64 ] || command -v yasm >/dev/null || missing+=(yasm)
  command -v pkg-config >/dev/null || missing+=(pkg-config)
  command -v meson >/dev/null || missing+=(meson)
  command -v ninja >/dev/null || missing+=(ninja-build)
  command -v xz >/dev/null || missing+=(xz-utils)
  command -v make >/dev/null || missing+=(make)
  command -v gcc >/dev/null || missing+=(gcc libc6-dev)
  [ -f "$(static_lib libx264.a)" ] || missing+=(libx264-dev)
  [ -f "$(static_lib libopus.a)" ] || missing+=(libopus-dev)
  [ -f "$(static_lib libz.a)" ] || missing+=(zlib1g-dev)
  [ ${#missing[@]} -gt 0 ] || return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; } || die "please install: ${missing[*]}"
    sudo=(sudo)
  fi
  command -v apt-get >/dev/null || die "please install: ${missing[*]}"
  say "installing ${missing[*]}"
  {
    "${sudo[@]}" apt-get update || true
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
  } </dev/null >>"$log" 2>&1 || die "could not install ${missing[*]}: see $log"
}

# static_lib prints where the compiler finds an archive, or its bare name.
static_lib() { gcc -print-file-name="$1" 2>/dev/null || echo "$1"; }

# download URL SUM FILE: the release tarball, or nothing.
download() {
  local part=$3.part
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 5 --speed-limit 10000 --speed-time 15 -o "$part" "$1"
  elif command -v wget >/dev/null; then
    wget -q --tries=1 --timeout=10 -O "$part" "$1"
  else
    return 1
  fi >>"$log" 2>&1 || return 1
  echo "$2  $part" | sha256sum -c - >>"$log" 2>&1 || { say "$1 is not what was expected: not used"; return 1; }
  mv "$part" "$3"
}

# mirrors prints the Debian mirrors that this machine's apt is set up for, old
# list files and deb822 alike.
mirrors() {
  {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main'
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main'
  } 2>/dev/null | grep -i debian | grep -vi security | awk '!seen[$0]++'
}

# debian PACKAGE FOLDER: Debian 13's source of it, by private lists.
debian() {
  local d=$work/apt-$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror a
  [ -f $keyring ] || die "$1 cannot be downloaded, and there is no Debian archive keyring to take its source by apt"
  for mirror in $(mirrors); do
    rm -rf "$d" && mkdir -p "$d/lists/partial" "$d/cache/archives/partial"
    echo "deb-src [signed-by=$keyring] $mirror trixie main" >"$d/sources.list"
    a=(apt-get -q -o "Dir::Etc::SourceList=$d/sources.list" -o Dir::Etc::SourceParts=/dev/null
      -o "Dir::State::Lists=$d/lists" -o "Dir::Cache=$d/cache" -o APT::Sandbox::User=)
    if (cd "$d" && "${a[@]}" update && "${a[@]}" source --download-only "$1") </dev/null >>"$log" 2>&1; then
      mv "$d"/"$1"_*.orig.tar.xz "$2/" && return 0
    fi
  done
  return 1
}

# source PACKAGE VERSION SERIES URL SUM: unpacks into $work/PACKAGE. What was
# once downloaded and checked stays in the cache, for an interrupted build.
source_of() {
  local keep=$cache/source file
  mkdir -p "$keep"
  file=$keep/$1-$2.tar.xz
  if [ ! -f "$file" ] && ! download "$4" "$5" "$file"; then
    say "$1: the release site cannot be reached, taking Debian 13's source package"
    mkdir -p "$work/fetched-$1"
    debian "$1" "$work/fetched-$1" || die "no source of $1: see $log"
    case $(echo "$work/fetched-$1"/*) in
      *_"$3".*) mv "$work/fetched-$1"/* "$file" ;;
      *) die "Debian 13 has another $1 than $3: $(ls "$work/fetched-$1")" ;;
    esac
  fi
  mkdir -p "$work/$1"
  tar xf "$file" -C "$work/$1" --strip-components=1
}

build_dav1d() {
  cd "$work/dav1d"
  meson setup b --default-library=static --buildtype=release --prefix=/weir --libdir=lib \
    -Denable_tools=false -Denable_tests=false -Denable_examples=false
  ninja -C b
  DESTDIR=$work/stage ninja -C b install
  relocate
}

# relocate makes the .pc files work wherever the folder is moved. libatomic, which
# configure names for other machines' sake, would be a shared library.
relocate() {
  sed -i 's|^prefix=.*|prefix=${pcfiledir}/../..|; s|=/weir/|=${prefix}/|; s| -latomic||g; s| -L/[^ ]*/stage/weir[^ ]*||g' \
    "$work"/stage/weir/lib/pkgconfig/*.pc
}

build_ffmpeg() {
  cd "$work/ffmpeg"
  PKG_CONFIG_PATH=$work/stage/weir/lib/pkgconfig \
    ./configure --prefix=/weir --pkg-config-flags=--static "${flags[@]}"
  make -j"$(nproc)"
  make install DESTDIR="$work/stage"
  relocate
  local lib
  for lib in x264 opus z; do # beside FFmpeg's own, so that no .so is taken
    cp "$(static_lib lib$lib.a)" "$work/stage/weir/lib/"
  done
}

# watch PID WORDS: a line now and then while a step runs; fails as the step does.
watch() {
  local began=$SECONDS next=$((SECONDS + 20))
  while kill -0 "$1" 2>/dev/null; do
    sleep 0.5
    [ $SECONDS -ge $next ] || continue
    next=$((SECONDS + 20))
    say "$2: $((SECONDS - began)) s, $(find "$work" -name '*.o' -o -name '*.obj' | wc -l) files compiled"
  done
  wait "$1"
}

clean_up() {
  local pid
  for pid in $(jobs -p); do kill -- "-$pid" 2>/dev/null || true; done
  rm -rf "$work"
}

build() {
  : >"$log"
  need_packages
  # make cannot live in a folder with blanks in its name
  case $cache in *[[:space:]]*) work=$(mktemp -d) ;; *) work=$cache/ffmpeg-$key.work && rm -rf "$work" ;; esac
  mkdir -p "$work/stage"
  set -m # each step is a process group of its own, so that it can be ended whole
  trap clean_up EXIT
  trap 'exit 130' INT TERM HUP
  say "building a static FFmpeg 7.1 with x264, opus and dav1d, once, into $out (a few minutes)"
  source_of dav1d $dav1d 1.5 $dav1d_url $dav1d_sum
  (set -e; build_dav1d) </dev/null >>"$log" 2>&1 &
  local pid=$!
  source_of ffmpeg $ffmpeg 7.1 $ffmpeg_url $ffmpeg_sum
  watch $pid "dav1d (AV1 decoder)" || die "dav1d does not build: see $log"
  (set -e; build_ffmpeg) </dev/null >>"$log" 2>&1 &
  watch $! "FFmpeg" || die "FFmpeg does not build: see $log"
  cp "$work/ffmpeg/VERSION" "$work/stage/weir/VERSION" 2>/dev/null || true
  rm -rf "$out.new" "$out"
  cp -r "$work/stage/weir" "$out.new"
  mv "$out.new" "$out" # whole or not at all
  say "done in $SECONDS s"
}

if system_ffmpeg; then
  say "using the system's FFmpeg $(pkg-config --modversion libavcodec)"
  exit 0
fi
if [ ! -d "$out" ]; then
  exec 9>"$cache/ffmpeg.lock"
  flock -n 9 || { say "another build is running, waiting for it" && flock 9; }
  [ -d "$out" ] || build # what it starts keeps the lock until it has ended
fi
[ "${1:-}" = env ] || { say "ready in $out"; exit 0; }

# quote WORD: as the shell reads it back.
quote() { printf "'%s'" "${1//\'/\'\\\'\'}"; }
echo "export PKG_CONFIG_PATH=$(quote "$out/lib/pkgconfig")"
echo "export PKG_CONFIG='pkg-config --static'"
echo "export CGO_CFLAGS='-O2 -g -Wno-deprecated-declarations'"
echo "export CGO_LDFLAGS=$(quote "-O2 -g \"-L$out/lib\"")"
