import sys, time, numpy as np, pyarrow as pa
from assay import native
from assay.data.example_coder import decode_examples, encode_examples
from assay.data.tf_example import as_example_columns, encode
from pathlib import Path
def batch(kind, n):
    rng=np.random.default_rng(0)
    if kind=="taxi":
        cols={}
        for i in range(8): cols[f"trip_float_{i}"]=pa.array(rng.random(n),mask=rng.random(n)<.05)
        for i in range(7): cols[f"trip_int_{i}"]=pa.array(rng.integers(0,100000,n),mask=rng.random(n)<.05)
        cols["company"]=pa.array(["company %d"%i for i in rng.integers(0,50,n)])
        cols["payment_type"]=pa.array([["Cash","Credit Card"][i] for i in rng.integers(0,2,n)])
        cols["start"]=pa.array(rng.integers(0,2**40,n))
    elif kind=="wide":
        cols={f"feature_{i}":pa.array(rng.random(n)) for i in range(300)}
    elif kind=="lists":
        cols={"tokens":pa.array([["w%d"%x for x in rng.integers(0,1000,rng.integers(0,60))] for _ in range(n)]),
              "ids":pa.array([rng.integers(0,50000,rng.integers(0,100)).tolist() for _ in range(n)],pa.list_(pa.int64())),
              "vec":pa.array([rng.random(128).tolist() for _ in range(n)])}
    return as_example_columns(pa.record_batch(list(cols.values()),list(cols)))
for kind,n in (("taxi",4096),("wide",1024),("lists",2048)):
    b=batch(kind,n)
    enc=native.coders().RecordBatchToExamplesEncoder(); dec=native.coders().ExamplesToRecordBatchDecoder()
    recs=encode(b); size=sum(map(len,recs))
    mine=encode_examples(b)
    print(kind,"encode equal",mine.to_pylist()==recs, "bytes/record", size/n)
    d=decode_examples(recs); t=dec.DecodeBatch(recs)
    d.validate(full=True)
    print(" decode equal", d.equals(t))
    best={}
    for r in range(7):
        for name,f in {"theirs decode":lambda: dec.DecodeBatch(recs),"ours decode":lambda: decode_examples(recs),"theirs encode":lambda: enc.Encode(b),"ours encode":lambda: encode_examples(b), "old encode": lambda: encode(b)}.items():
            s=time.thread_time(); f(); x=time.thread_time()-s; best[name]=min(best.get(name,9),x)
    for k,v in best.items(): print("  ",k,f"{size/v/1e6:.0f} MB/s  {n/v/1e3:.0f} k records/s")
    print("   ratio decode",best["ours decode"]/best["theirs decode"]," encode",best["ours encode"]/best["theirs encode"])
