// kem_noble.mjs COUNT <RECORDS: does @noble/post-quantum agree with each record of
// kem-cases? Prints how many of which kind there were; ends with 1 at the first that differs.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const folder = createRequire(process.env.NPM_FOLDER + '/');
const { ml_kem768 } = await import(pathToFileURL(folder.resolve('@noble/post-quantum/ml-kem.js')));

const members = {
	seed: 64, pub: 1184, secret: 2400, message: 32, used: 1184,
	isGood: 1, made: 1088, shared: 32, given: 1088, got: 32,
};
const recordLength = Object.values(members).reduce((sum, length) => sum + length);
const counts = { refused: 0, honest: 0, 'with a changed key': 0, rejected: 0 };

function readRecord() {
	const bytes = Buffer.alloc(recordLength);
	for (let at = 0; at < recordLength;) {
		const length = fs.readSync(0, bytes, at, recordLength - at, null);
		if (length === 0)
			throw new Error('the records end too early');
		at += length;
	}
	const record = {};
	let at = 0;
	for (const [name, length] of Object.entries(members))
		record[name] = bytes.subarray(at, at += length);
	return record;
}

function encapsulate(r) {
	try {
		return ml_kem768.encapsulate(r.used, r.message);
	} catch {
		return null; // the modulus check is the only reason: the lengths are right
	}
}

function differences(r) {
	const keys = ml_kem768.keygen(r.seed);
	const sent = encapsulate(r);
	const got = ml_kem768.decapsulate(r.given, r.secret);
	const isHonest = sent && Buffer.compare(got, sent.sharedSecret) === 0;
	counts.refused += !sent;
	counts.honest += isHonest;
	counts['with a changed key'] += sent && Buffer.compare(r.used, r.pub) !== 0;
	counts.rejected += !isHonest;
	return [
		['the public key', keys.publicKey, r.pub],
		['the secret key', keys.secretKey, r.secret],
		['whether it is a key', [sent ? 1 : 0], r.isGood],
		['the ciphertext', sent ? sent.cipherText : new Uint8Array(1088), r.made],
		['the secret of it', sent ? sent.sharedSecret : new Uint8Array(32), r.shared],
		['the secret from it', got, r.got],
	].filter(([, theirs, ours]) => Buffer.compare(Buffer.from(theirs), ours) !== 0);
}

const count = Number(process.argv[2]);
for (let i = 0; i < count; i++) {
	const r = readRecord();
	const wrong = differences(r).map(([name]) => name);
	if (wrong.length > 0) {
		console.log(`case ${i}, seed ${r.seed.toString('hex')}: ${wrong.join(', ')}`);
		process.exit(1);
	}
}
console.log(`${count} cases: ` + Object.entries(counts).map(([k, n]) => `${n} ${k}`).join(', '));
if (count >= 1000 && Object.values(counts).some((n) => n < count / 50)) {
	console.log('too few of one kind');
	process.exit(1);
}
